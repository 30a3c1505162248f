"""Transforms as attacks: study the network, draw an element of its symmetry group, apply it, say what stayed.

Paper: "And Then There Were None" (INVARIANCE in `papers`), Algorithm 1. Threat model: the thief holds the weights, and
no data. Equations: the engine in `grouping`. Symbols: p is `Transform.source`, lambda is 2^`exponent`, s is `sign`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import torch
from torch import Generator, Tensor, nn

from ownmark.contracts import Attack, Fit, Stolen, Suspect, evaluating, restored
from ownmark.contracts.views import Shape, device_of
from ownmark.errors import NotApplicable
from ownmark_invariance.config import ScaleConfig, TransformConfig
from ownmark_invariance.grouping import CannotTransform, Groups, NotEquivalent, analyse, apply, draw, rows
from ownmark_invariance.grouping.report import reasons
from ownmark_invariance.grouping.selection import allowed_classes

NAMES = {"permute": "order", "scale": "scale", "flip": "sign"}
"""What a transform changes, in the words of the engine's report."""


@dataclass(frozen=True)
class Moves:
    """Which of the three transforms an attack is made of."""

    permute: bool = False
    scale: bool = False
    flip: bool = False

    def names(self) -> list[str]:
        """Those that are switched on."""
        return [name for name in NAMES if getattr(self, name)]


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the engine says against a network into NotApplicable."""
    try:
        yield
    except (CannotTransform, NotEquivalent) as error:
        raise NotApplicable(str(error)) from error


def probe(network: nn.Module, shape: Shape) -> Tensor:
    """Two inputs, always the same, on the network's device: images of noise [2, C, H, W] in [0, 1].

    A network that takes something else says so by an `example_input_array` [2, ...], as Lightning's modules do.
    """
    noise = torch.rand((2, *shape), generator=torch.Generator().manual_seed(0))
    parameter = next(network.parameters(), noise)
    if isinstance(given := getattr(network, "example_input_array", None), Tensor):
        return given.to(device_of(network), parameter.dtype if given.is_floating_point() else given.dtype)
    return noise.to(device_of(network), parameter.dtype if parameter.is_floating_point() else noise.dtype)


def study(network: nn.Module, shape: Shape) -> Groups:
    """The groups of a network in eval mode.

    Raises:
        NotApplicable: it cannot be traced, is in training mode, on the meta device, or not of floating point.
    """
    with refusals():
        return analyse(network, probe(network, shape))


def layer_filter(groups: Groups, patterns: Sequence[str]) -> Callable[[str], bool] | None:
    """Accepts layers by name; None for no patterns.

    Raises:
        NotApplicable: a pattern fits no layer.
    """
    names = [row.layer for row in rows(groups)]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise NotApplicable(f"no layer is called {pattern!r}; there are {', '.join(names)}")
    return (lambda name: any(fnmatchcase(name, one) for one in patterns)) if patterns else None


def possible(groups: Groups, moves: Moves, config: TransformConfig) -> set[str]:
    """Which of the moves can change anything in the layers that the configuration names."""
    accepts = layer_filter(groups, config.layers)
    allowed = allowed_classes(groups, accepts)
    many = any(allowed.perm[groups.structure.bucket == group.id].sum() > 1 for group in groups.groups)
    found = {"permute": many, "scale": bool(allowed.scale.any()), "flip": bool(allowed.sign.any())}
    if isinstance(config, ScaleConfig) and found["scale"]:  # a variant may leave nothing to scale
        blank = torch.Generator().manual_seed(0)
        largest = {"exponents": (1, 1), "variant": config.variant, "layers": accepts}
        found["scale"] = bool(
            draw(groups, blank, permute=False, scale=True, flip=False, **largest).exponent.any()
        )  # type: ignore[arg-type]
    return {name for name in moves.names() if found[name]}


def refuse_the_impossible(groups: Groups, moves: Moves, config: TransformConfig) -> None:
    """Raise NotApplicable with the engine's reasons if none of the moves can change anything."""
    if possible(groups, moves, config):
        return
    words = [NAMES[name] for name in moves.names()]
    why = [reason for reason in reasons(groups) if reason.partition(":")[0] in (*words, "kappa")]
    what = " or ".join(words)
    raise NotApplicable(
        f"no {what} in {groups.name} can change without its answers changing: "
        + ("; ".join(why or reasons(groups)) or "it has no layers")
    )


def changed_share(before: nn.Module, after: nn.Module) -> float:
    """Share of the parameters that have another value."""
    pairs = list(zip(before.parameters(), after.parameters(), strict=True))
    changed = sum(int((old != new).sum()) for old, new in pairs)
    return changed / max(1, sum(old.numel() for old, _ in pairs))


def reach(network: nn.Module, groups: Groups) -> float:
    """Share of the parameters that some transform of the network could change: all three moves, on every neuron."""
    full = draw(groups, torch.Generator().manual_seed(0), permute=True, scale=True, flip=True, variant="free")
    return changed_share(network, apply(network, groups, full, check_result=False))


def account(before: nn.Module, after: nn.Module, groups: Groups) -> Mapping[str, float | str]:
    """Exhibits: the share of parameters that changed, and what the engine had to leave alone."""
    frozen = [row.layer for row in rows(groups) if not (row.permute or row.scale or row.kappa or row.flip)]
    return {
        "reach": reach(before, groups),
        "parameters_changed": changed_share(before, after),
        "frozen_layers": ", ".join((*frozen, *groups.opaque)) or "none",
        "frozen_because": "; ".join(reasons(groups)),
    }


class Transforming(Attack):
    """Draws and applies; subclasses say which moves."""

    config: TransformConfig
    moves: Moves

    def __init__(self, config: TransformConfig | None = None, then: Attack | None = None) -> None:
        super().__init__(config)
        self._then = then

    def check(self, network: nn.Module, shape: Shape, classes: int) -> None:
        """Something must be left to transform.

        Raises:
            NotApplicable: nothing is, with the engine's reasons.
        """
        with evaluating(network):
            refuse_the_impossible(study(network, shape), self.moves, self.config)
        if self._then is not None:
            self._then.check(network, shape, classes)

    def attack(self, stolen: Stolen, fit: Fit, rng: Generator) -> Suspect:
        """Transform a copy of the stolen network, and let the following attack go on from there."""
        groups = study(stolen.network, stolen.shape)
        refuse_the_impossible(groups, self.moves, self.config)
        with refusals():
            network = self._transformed(stolen.network, groups, rng)
        exhibits = account(stolen.network, network, groups)
        if self._then is None:
            return Suspect(network, exhibits)
        suspect = self._then.attack(replace(stolen, network=network), fit, rng)
        return Suspect(suspect.network, {**exhibits, **suspect.exhibits})

    def _transformed(self, network: nn.Module, groups: Groups, rng: Generator) -> nn.Module:
        config = self.config
        scaling = (
            {"exponents": config.exponents, "variant": config.variant}
            if isinstance(config, ScaleConfig)
            else {}
        )
        moves = {name: getattr(self.moves, name) for name in NAMES}
        accepts = layer_filter(groups, config.layers)
        change = draw(groups, rng, alpha=config.alpha, layers=accepts, **moves, **scaling)
        return apply(network, groups, change)

    def serve(self, network: nn.Module, rng: Generator) -> nn.Module:
        """What the following attack serves."""
        return network if self._then is None else self._then.serve(network, rng)

    def preview(self, x: Tensor, rng: Generator) -> Tensor | None:
        """What the following attack puts in front."""
        return None if self._then is None else self._then.preview(x, rng)

    def restore(
        self, network: nn.Module, state: Mapping[str, Tensor], shape: Shape = (0, 0, 0), classes: int = 0
    ) -> nn.Module:
        """As the following attack restores; transforms keep every layer."""
        if self._then is None:
            return super().restore(network, state, shape, classes)
        return restored(self._then, network, state, shape, classes)
