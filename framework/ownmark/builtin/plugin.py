"""Entry point of the core's own datasets, hosts and metrics; imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.builtin.datasets.declared import DATASETS
from ownmark.builtin.hosts.declared import HOSTS
from ownmark.builtin.metrics.declared import METRICS
from ownmark.builtin.plans import PLANS
from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration


@hookimpl
def ownmark_datasets() -> Iterable[Declaration]:
    """Digits, `.npz` files, the hub, and the standard sets."""
    return DATASETS


@hookimpl
def ownmark_hosts() -> Iterable[Declaration]:
    """From a network of seconds to ResNet-34."""
    return HOSTS


@hookimpl
def ownmark_metrics() -> Iterable[Declaration]:
    """Utility, evidence, and distance of weights."""
    return METRICS


@hookimpl
def ownmark_plans() -> Iterable[Declaration]:
    """Plans that run with nothing but the core's neighbours installed."""
    return PLANS
