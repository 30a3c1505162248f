"""From a plan to records: `load_plan`, `expand`, stages in a store, one record a cell."""

from ownmark.runner.audit import Audited, audit
from ownmark.runner.plan import Plan
from ownmark.runner.session import Finished, load_plan, run
from ownmark.runner.survey import Survey, survey

__all__ = ["Audited", "Finished", "Plan", "Survey", "audit", "load_plan", "run", "survey"]
