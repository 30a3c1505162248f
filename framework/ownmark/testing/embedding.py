"""One embedding of a scheme with its smoke arguments, and what it did on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor, nn

from ownmark.contracts import Key, Marked, Scheme, Task, restored
from ownmark.contracts.returned import returned
from ownmark.discovery.sealing import sealed
from ownmark.methods import Need
from ownmark.runner.seeds import rng_for
from ownmark.testing.states import ambient, disturbed, samples_digest, state_of, stirred
from ownmark.testing.watching import CountingFit, Terms, heard
from ownmark.testing.workbench import Workbench


@dataclass(frozen=True)
class Embedded:
    """What one call of `embed` gave and touched.

    Args:
        state: of the marked network. harmed: what it changed that was not its own, by name.
        fit: what it trained with. asked: how often the host's loss terms were asked for their value.
        reached: files, catalogue and datasets that it reached for. said: what it printed or logged.
        strayed: whether it trained a network past `fit`.
    """

    marked: Marked
    state: Mapping[str, Tensor]
    harmed: tuple[str, ...]
    fit: CountingFit
    asked: int
    reached: tuple[str, ...]
    said: str
    strayed: bool

    @property
    def key(self) -> Key:
        """The key to verify with."""
        return self.marked.key


def _lent(key: Key, task: Task) -> dict[str, str]:
    images = task.owner if task.unseen is None else task.owner + task.unseen
    return {"the key it was given": key.digest(), "the owner's images": samples_digest(images)}


class Embedding:
    """Keys and marked networks of one scheme, each made when first asked for."""

    def __init__(self, scheme: Scheme, bench: Workbench, needs: frozenset[Need] = frozenset()) -> None:
        self.scheme = scheme
        self.bench = bench
        self.needs = needs

    def fresh_key(self, seed: int) -> Key:
        """A key that was drawn and not embedded."""
        drawn = self.scheme.make_key(self.bench.task_for(self.needs), rng_for("kit key", seed))
        return returned(drawn, Key, "make_key")

    def embed(self, seed: int, scheme: Scheme | None = None) -> Embedded:
        """Draw a key and embed it; the fitter and the key follow from the seed."""
        bench, scheme = self.bench, scheme or self.scheme
        task = bench.task_for(self.needs)
        key = returned(scheme.make_key(task, rng_for("kit key", seed)), Key, "make_key")
        lent = _lent(key, task)
        surroundings, terms = ambient(), Terms(bench.view())
        fit = CountingFit(rng_for("kit", "embed", seed))
        with sealed("it", strict=False) as seal, fit.watching(), heard() as said:
            marked = returned(scheme.embed(terms.view, key, task, fit), Marked, "embed")
        harmed = disturbed(surroundings)
        now = _lent(key, task)
        harmed += [name for name in lent if lent[name] != now[name]]
        strayed = fit.trained_elsewhere([marked.network])
        state, reached = state_of(marked.network), tuple(seal.reached)
        return Embedded(marked, state, tuple(harmed), fit, terms.asked, reached, "".join(said), strayed)

    @cached_property
    def first(self) -> Embedded:
        """With seed 0."""
        return self.embed(0)

    @cached_property
    def again(self) -> Embedded:
        """With seed 0 once more, by the same instance, under other global random states."""
        with stirred():
            return self.embed(0)

    @cached_property
    def other(self) -> Embedded:
        """With seed 1."""
        return self.embed(1)

    def released(self, embedded: Embedded | None = None) -> nn.Module:
        """The marked network as a run restores it: its state in a newly built host, in eval mode."""
        return self.restored((embedded or self.first).state)

    def restored(self, state: Mapping[str, Tensor]) -> nn.Module:
        """A newly built host with these weights, in eval mode."""
        splits = self.bench.splits
        blank = self.bench.blank(rng_for("kit restore"))
        return restored(self.scheme, blank, state, splits.shape, splits.classes).eval()
