"""One embedding of a scheme with its smoke arguments, and what it did on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor, nn

from ownmark.contracts import Key, Marked, Scheme, restored
from ownmark.runner.seeds import rng_for
from ownmark.testing.states import ambient, disturbed, samples_digest, state_of, stirred
from ownmark.testing.workbench import Workbench


@dataclass(frozen=True)
class Embedded:
    """What one call of `embed` gave and touched.

    Args:
        state: of the marked network. harmed: what it changed that was not its own, by name.
    """

    marked: Marked
    state: Mapping[str, Tensor]
    harmed: tuple[str, ...]

    @property
    def key(self) -> Key:
        """The key to verify with."""
        return self.marked.key


class Embedding:
    """Keys and marked networks of one scheme, each made when first asked for."""

    def __init__(self, scheme: Scheme, bench: Workbench) -> None:
        self.scheme = scheme
        self.bench = bench

    def fresh_key(self, seed: int) -> Key:
        """A key that was drawn and not embedded."""
        return self.scheme.make_key(self.bench.task, rng_for("kit key", seed))

    def embed(self, seed: int, scheme: Scheme | None = None) -> Embedded:
        """Draw a key and embed it; the fitter and the key follow from the seed."""
        bench, scheme, task = self.bench, scheme or self.scheme, self.bench.task
        key = scheme.make_key(task, rng_for("kit key", seed))
        lent = {"the key it was given": key.digest(), "the owner's images": samples_digest(task.owner)}
        surroundings = ambient()
        marked = scheme.embed(bench.view(), key, task, bench.fitter("embed", seed))
        harmed = disturbed(surroundings)
        now = {"the key it was given": key.digest(), "the owner's images": samples_digest(task.owner)}
        harmed += [name for name in lent if lent[name] != now[name]]
        return Embedded(marked, state_of(marked.network), tuple(harmed))

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
