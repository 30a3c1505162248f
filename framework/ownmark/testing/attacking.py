"""Runs of one attack with its smoke arguments, and what it touched on the way."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property

from torch import Tensor, nn

from ownmark.contracts import Attack, Stolen, Suspect, restored
from ownmark.contracts.returned import returned
from ownmark.discovery.sealing import sealed
from ownmark.errors import NotApplicable
from ownmark.methods import Need
from ownmark.runner.seeds import rng_for
from ownmark.testing.states import ambient, disturbed, samples_digest, snapshot, state_of, stirred
from ownmark.testing.watching import CountingFit, Loot
from ownmark.testing.workbench import Workbench


@dataclass(frozen=True)
class Attacked:
    """What one call of `attack` gave and touched.

    Args:
        state: of the suspect. fit: what it trained with. harmed: what it changed that was not its own.
        asked: what it asked its loot for in vain. opened: files and connections. strayed: whether it trained a
            network past `fit`.
    """

    suspect: Suspect
    state: Mapping[str, Tensor]
    fit: CountingFit
    harmed: tuple[str, ...]
    asked: tuple[str, ...]
    opened: tuple[str, ...]
    strayed: bool


class Attacking:
    """Runs of one attack on the kit's marked network."""

    def __init__(self, attack: Attack, bench: Workbench, needs: frozenset[Need]) -> None:
        self.attack = attack
        self.bench = bench
        self.needs = needs

    @property
    def grants(self) -> tuple[str, ...]:
        """What the attacker may be given at least, each enough by the declaration."""
        if Need.LABELS in self.needs:
            return ("labels",)
        return ("images", "transfer") if Need.DATA in self.needs else ("nothing",)

    @property
    def shortages(self) -> tuple[str, ...]:
        """What is too little by the declaration."""
        if Need.LABELS in self.needs:
            return ("nothing", "images")
        return ("nothing",) if Need.DATA in self.needs else ()

    def run(self, grant: str = "", attack: Attack | None = None) -> Attacked:
        """Attack once; equal arguments must give equal suspects.

        Args:
            grant: as `Workbench.stolen` takes it; by default the first of `grants`.
        """
        victim = self.bench.victim()
        loot = _loot(self.bench.stolen(grant or self.grants[0], self.needs, copy.deepcopy(victim)))
        fit = CountingFit(rng_for("kit", "attacker fit"))
        before, surroundings = (snapshot(victim), samples_digest(loot.data, loot.transfer)), ambient()
        with sealed("it", strict=False) as seal, fit.watching():
            left = (attack or self.attack).attack(loot, fit, rng_for("kit", "attack"))
            suspect = returned(left, Suspect, "attack")
        harmed = disturbed(surroundings)
        harmed += ["the victim"] if snapshot(victim) != before[0] else []
        harmed += ["its images"] if samples_digest(loot.data, loot.transfer) != before[1] else []
        held = [] if loot.queried is not None else [loot.network]
        strayed = fit.trained_elsewhere([suspect.network, *held])
        state = state_of(suspect.network)
        return Attacked(suspect, state, fit, tuple(harmed), loot.asked, tuple(seal.reached), strayed)

    @cached_property
    def first(self) -> Attacked:
        """With the least that the declaration asks for.

        Raises:
            NotApplicable: that is too little for it.
        """
        try:
            return self.run()
        except NotApplicable as error:
            needs = ", ".join(sorted(map(str, self.needs))) or "nothing"
            raise NotApplicable(
                f"{error} (it was granted what it declares, needs: {needs}; let the declaration name what it cannot do "
                "without, such as Need.DATA or Need.LABELS)"
            ) from error

    @cached_property
    def again(self) -> Attacked:
        """The same once more, by the same instance, under other global random states."""
        with stirred():
            return self.run()

    def restored(self) -> nn.Module:
        """The suspect as a run restores it: its state in a copy of the marked network, in eval mode."""
        bench, splits = self.bench, self.bench.splits
        start = bench.blank() if Need.BLACK_BOX in self.needs else bench.victim()
        return restored(self.attack, start, self.first.state, splits.shape, splits.classes).eval()


def _loot(stolen: Stolen) -> Loot:
    return Loot(**{field.name: getattr(stolen, field.name) for field in fields(stolen)})
