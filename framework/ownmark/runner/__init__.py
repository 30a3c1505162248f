"""From a plan to records: `load_plan`, `expand`, stages in a store, one record a cell."""

from ownmark.runner.audit import Audited, audit
from ownmark.runner.plan import Plan
from ownmark.runner.session import Finished, load_plan, run

__all__ = ["Audited", "Finished", "Plan", "audit", "load_plan", "run"]
