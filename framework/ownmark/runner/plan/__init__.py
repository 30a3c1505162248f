"""Plans: what a YAML file may say, and the reading of it. Everything is checked before anything is trained."""

from ownmark.runner.plan.entry import CELLS, ENTRIES, POINTS, SEEDS, Entry, TaskEntry
from ownmark.runner.plan.grant import PROTOCOLS, RESERVES, Given
from ownmark.runner.plan.grid import METRICS, Plan
from ownmark.runner.plan.reading import given, parse_plan, plan_from, read_plan
from ownmark.runner.plan.rules import (
    LEAST_RATE,
    Features,
    Landscape,
    Nulls,
    Removal,
    Split,
    TrainerOptions,
    VerdictRule,
)

__all__ = [
    "CELLS", "ENTRIES", "LEAST_RATE", "METRICS", "POINTS", "PROTOCOLS", "RESERVES", "SEEDS",
    "Entry", "Features", "Given", "Landscape", "Nulls", "Plan", "Removal", "Split", "TaskEntry", "TrainerOptions",
    "VerdictRule", "given", "parse_plan", "plan_from", "read_plan",
]  # fmt: skip
