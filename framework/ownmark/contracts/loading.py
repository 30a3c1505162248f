"""Weights into networks: under whatever prefix they were saved, and in whatever width.

A checkpoint of the same network comes in many spellings: wrapped (`module.`, `_orig_mod.`, `model.`), in half
precision, without counters. A thief may also have added a neuron here or there. Names are changed only if they do not
fit as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches

import torch
from torch import Tensor, nn

from ownmark.errors import Unreadable

WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
"""Steps of a name that stand for a wrapper around a module, and not for a module of the network."""
_SIZES = {
    "weight": (("out_channels", 0), ("out_features", 0), ("num_features", 0), ("num_channels", 0),
               ("in_features", 1)),
}  # fmt: skip


def load_weights(network: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """Give a network these weights, in place; layers become as wide as the weights are.

    Raises:
        Unreadable: the weights are those of another structure; says which names differ.
    """
    own = network.state_dict()
    named = named_like(own, state)
    for name, tensor in named.items():
        if tensor.shape != own[name].shape:
            _widen(network, name, tensor)
    network.load_state_dict(named, strict=False)
    return network


def require_numbers(network: nn.Module) -> nn.Module:
    """The network, if any of its weights are numbers.

    Raises:
        Unreadable: every tensor of weights holds a value that is none.
    """
    parameters = list(network.parameters())
    if parameters and not any(bool(torch.isfinite(parameter).all()) for parameter in parameters):
        raise Unreadable("the suspect's weights are not numbers (nan or infinite)")
    return network


def no_numbers(network: nn.Module) -> nn.Module:
    """What a training that diverged leaves: the network, changed in place, with weights that are no numbers."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(torch.nan)
    return network


def named_like(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The part of `state` that `wanted` names, under those names.

    Raises:
        Unreadable: no prefix makes the names fit, or several do.
    """
    for found in (_as_they_are(wanted, state), _without_prefix(wanted, state), _unwrapped(wanted, state)):
        if found is not None:
            return found
    missing = sorted(name for name in needed(wanted) if name not in state)
    extra = sorted(name for name in state if name not in wanted)
    differing = [n for n in wanted if n in state and wanted[n].ndim != state[n].ndim]
    parts = [("missing", missing), ("not expected", extra), ("of other dimensions", differing)]
    near = get_close_matches(missing[0], extra, 5, 0.0) if missing and extra else []
    nearest = f"; nearest to {missing[0]}: {', '.join(near)}" if near else ""
    raise Unreadable("; ".join(f"{what}: {_some(names)}" for what, names in parts if names) + nearest)


def needed(names: Collection[str]) -> set[str]:
    """Names that weights must have: all but counters, which change no answer."""
    return {name for name in names if not name.endswith("num_batches_tracked")}


def _as_they_are(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """The state itself, if it has all the names and no others."""
    if not needed(wanted) <= set(state) <= set(wanted):
        return None
    return dict(state) if all(wanted[n].ndim == t.ndim for n, t in state.items()) else None


def _without_prefix(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """The names behind one prefix, which all of `wanted` have; a checkpoint may hold more beside the network."""
    longest = max(needed(wanted), key=len, default="")
    prefixes = {name.removesuffix(longest) for name in state if name.endswith(f".{longest}")}
    found = {}
    for prefix in sorted(prefixes):
        inner = {name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)}
        if (fits := _as_they_are(wanted, inner)) is not None:
            found[prefix] = fits
    if len(found) > 1 and not _alike(list(found.values())):
        raise Unreadable(f"holds several networks, under {_some(sorted(found))}; save the one that is used")
    return next(iter(found.values()), None)


def _alike(states: list[dict[str, Tensor]]) -> bool:
    first, *others = states
    return all(torch.equal(first[name], other[name]) for other in others for name in first if name in other)


def _unwrapped(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Names that agree once the wrappers on either side are taken away, wherever they stand."""
    bare = {_bare(name): tensor for name, tensor in state.items()}
    ours = {_bare(name): name for name in wanted}
    if len(bare) < len(state) or len(ours) < len(wanted):
        return None
    return _as_they_are(wanted, {ours.get(name, name): tensor for name, tensor in bare.items()})


def without_wrapper(state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """The state without the first step that all its names share; None if they share none."""
    steps = {name.partition(".")[0] for name in state}
    if len(steps) != 1 or any("." not in name for name in state):
        return None
    return {name.partition(".")[2]: tensor for name, tensor in state.items()}


def _bare(name: str) -> str:
    return ".".join(step for step in name.split(".") if step not in WRAPPERS)


def _widen(network: nn.Module, name: str, tensor: Tensor) -> None:
    """Make room for a tensor of another shape, and have the layer say its new sizes."""
    place, _, leaf = name.rpartition(".")
    module = network.get_submodule(place)
    old = getattr(module, leaf)
    room = torch.empty(tensor.shape, dtype=old.dtype, device=old.device)
    setattr(module, leaf, nn.Parameter(room, old.requires_grad) if isinstance(old, nn.Parameter) else room)
    for attribute, axis in _SIZES.get(leaf, ()):
        if hasattr(module, attribute) and tensor.ndim > axis:
            setattr(module, attribute, tensor.shape[axis])
    groups = getattr(module, "groups", None)
    if leaf == "weight" and isinstance(groups, int) and hasattr(module, "in_channels"):
        setattr(module, "in_channels", tensor.shape[1] * groups)  # noqa: B010


def _some(names: Collection[str], most: int = 4) -> str:
    shown = list(names)[:most]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")
