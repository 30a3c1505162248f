"""Declarations that do not say what they must."""

from __future__ import annotations

from pydantic.dataclasses import dataclass as pydantic_dataclass
from tests.testing.broken import BLACK, FAKES, WHITE, attack, breaks, declare

from ownmark.config import configuration
from ownmark.methods import Kind, Need


@configuration
class Undocumented:
    amount: float = 0.5
    """Has a help text."""
    mystery: int = 3


@pydantic_dataclass
class Lenient:
    """Takes whatever it is given."""

    amount: float = 0.5


class NoAttack:
    """Has the wrong base class."""

    def __init__(self, config: object = None) -> None:
        self.config = config


attack("declaration-has-a-line-for-lists", "one line", f"{FAKES}:Echo", summary="two\nlines")
attack("declaration-names-its-source", "names no source", f"{FAKES}:Echo", deviations=())
attack("declaration-needs-suit-its-kind", "says nothing for its kind", f"{FAKES}:Echo",
       needs=frozenset({Need.GENERATED}))  # fmt: skip
breaks("declaration-needs-suit-its-kind", "white-box or black-box",
       declare(Kind.EXTRACTOR, f"{FAKES}:SignReader", needs=WHITE | BLACK))  # fmt: skip
breaks("declaration-needs-suit-its-kind", "how its mark is read",
       declare(Kind.SCHEME, f"{FAKES}:SignMark", extractor="fake-signs"))  # fmt: skip
attack(
    "declaration-documents-parameters",
    "mystery",
    f"{FAKES}:Echo",
    config="tests.testing.broken_declarations:Undocumented",
)
attack("declaration-documents-parameters", "@configuration", f"{FAKES}:Echo", config="dataclasses:Field")
attack("declaration-smoke-arguments-validate", "bitz", f"{FAKES}:Scale", config=f"{FAKES}:ScaleConfig",
       smoke={"bitz": 1})  # fmt: skip
attack("declaration-smoke-arguments-validate", "idle", f"{FAKES}:Scale", config=f"{FAKES}:ScaleConfig",
       idle={"amount": -1})  # fmt: skip
attack("declaration-refuses-unknown-parameters", "no_such_parameter", f"{FAKES}:Echo",
       config="tests.testing.broken_declarations:Lenient")  # fmt: skip
attack("declaration-target-keeps-the-contract", "is no Attack", NoAttack)
breaks("declaration-target-keeps-the-contract", "lacks", declare(Kind.METRIC, NoAttack))
