"""Which scheme? What schemes declare of themselves, beside what records say of how they held.

A scheme is recommended for what one has (access to suspects, a network that is trained already) and for what one fears
(attacks by name). Figures come from records alone: a scheme without any is listed as untried, whatever its paper says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ownmark.methods import Declaration, Need

HELD, LOST = frozenset({"survived"}), frozenset({"removed", "unreadable"})


@dataclass
class Tally:
    """Attacked cells: in how many the claim stood, and in how many the mark was removed at no great cost."""

    held: int = 0
    lost: int = 0
    of: int = 0

    def add(self, outcome: str) -> None:
        """One more cell; the rest are marks that fell with the network's worth."""
        self.held += outcome in HELD
        self.lost += outcome in LOST
        self.of += 1

    def __str__(self) -> str:
        return f"{self.held} of {self.of}" if self.of else "not tried"


@dataclass
class Advice:
    """One scheme.

    Args:
        scheme: its declaration. access, trained: what it declares. held: by attack. cost: utility lost, for each marked
            network. unclaimed: marked networks that could not be claimed before any attack, of how many.
    """

    scheme: Declaration
    access: str
    trained: bool
    held: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    cost: list[float] = field(default_factory=list)
    unclaimed: Tally = field(default_factory=Tally)

    @property
    def mean_cost(self) -> float | None:
        """Mean utility lost by marking; None without records."""
        return sum(self.cost) / len(self.cost) if self.cost else None

    def over(self, attacks: Sequence[str]) -> Tally:
        """All feared attacks together; all that were tried, if none is named."""
        found = Tally()
        for name in attacks or list(self.held):
            one = self.held.get(name, Tally())
            found.held, found.lost, found.of = found.held + one.held, found.lost + one.lost, found.of + one.of
        return found


def recommend(
    schemes: Iterable[Declaration],
    records: Iterable[Mapping[str, Any]],
    *,
    access: str = "",
    trained: bool = False,
    fears: Sequence[str] = (),
) -> list[Advice]:
    """Schemes that fit, those that held best first.

    Args:
        schemes: all there are. records: as `read_records` gives them, of any runs.
        access: `black-box` for suspects that only answer, `white-box` for weights; empty for either.
        trained: whether it has to start from trained weights. fears: ids of attacks; empty for all in the records.
    """
    found = {one.id: Advice(one, _access(one), starts_trained(one)) for one in schemes}
    for record in records:
        if record.get("status") == "ok":
            _count(found, record)
    fitting = [
        one for one in found.values() if (not access or one.access == access) and (one.trained or not trained)
    ]
    return sorted(fitting, key=lambda one: _rank(one, fears))


def markdown(advice: Sequence[Advice], fears: Sequence[str] = ()) -> str:
    """A table: what each scheme declares, what marking cost, and against which attack the claim stood."""
    attacks = list(fears) or sorted({name for one in advice for name in one.held})
    head = ["scheme", "read from", "trained weights", "costs", *attacks]
    lines = [_row(head), _row(["---"] * len(head))]
    for one in advice:
        cost = "" if one.mean_cost is None else f"{max(0.0, one.mean_cost):.3f}"
        held = [str(one.held.get(name, Tally())) for name in attacks]
        said = [
            one.scheme.id,
            WORDS[one.access],
            "yes" if one.trained else "trains anew",
            cost or "not tried",
            *held,
        ]
        lines.append(_row(said))
    return "\n".join(lines)


WORDS = {"black-box": "answers", "white-box": "weights"}


def starts_trained(scheme: Declaration) -> bool:
    """Whether its parameters let it start from trained weights; a scheme without `start` says it by its needs."""
    config = scheme.load_config() if scheme.config else None
    start = getattr(config, "__pydantic_fields__", {}).get("start")
    return start is not None and "trained" in str(start.annotation)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _access(scheme: Declaration) -> str:
    return "black-box" if Need.BLACK_BOX in scheme.needs else "white-box"


def _count(found: Mapping[str, Advice], record: Mapping[str, Any]) -> None:
    cell = record["cell"]
    one = found.get(str(cell["scheme"]["id"]).rpartition("/")[2])
    if one is None or not cell.get("extractor", {}).get("default", True):
        return
    outcome = str((record.get("removal") or {}).get("outcome", ""))
    attack = str((cell.get("attack") or {}).get("id", "none")).rpartition("/")[2]
    if attack == "none":
        used = record["utility"]
        better = 1 if used.get("higher_is_better", True) else -1
        one.cost.append((used["host"] - used["marked"]) * better)
        one.unclaimed.add("survived" if record["verdict"]["claim"] else "removed")
    elif outcome in HELD | LOST | {"utility-lost"}:
        one.held[attack].add(outcome)


def _rank(one: Advice, fears: Sequence[str]) -> tuple[float, float, float, str]:
    """Untried last; then the share that was lost, less what held, the cost, the name."""
    tally = one.over(fears)
    if not tally.of:
        return 2.0, 0.0, 0.0, one.scheme.id
    return tally.lost / tally.of, -tally.held / tally.of, one.mean_cost or 0.0, one.scheme.id
