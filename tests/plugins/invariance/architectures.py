"""All test networks, by name: `CASES`; and what the tests need to build them."""

from tests.plugins.invariance import sequential, variations
from tests.plugins.invariance.cases import CASES, Case, ready
from tests.plugins.invariance.convolutional import Head, cbr, resnet18

FAMILIES = (sequential, variations)
"""Importing these modules enters their networks."""

__all__ = ["CASES", "FAMILIES", "Case", "Head", "cbr", "ready", "resnet18"]
