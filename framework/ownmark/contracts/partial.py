"""What a file has of a network: readers of weights need only the layer that carries the mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts.loading import needed


def matched(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of `state` that are tensors of `wanted`, under its names.

    Names count first, behind whatever prefix fits most of them. Where an exporter has changed names, tensors that are
    left on both sides count as the same if they are as many of one shape, in their order; a matrix may be transposed.
    """
    state = {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}
    named = max((_behind(prefix, wanted, state) for prefix in _prefixes(wanted, state)), key=len)
    taken = {id(tensor) for tensor in named.values()}
    left = [tensor for tensor in state.values() if id(tensor) not in taken and tensor.ndim > 1]
    missing = [name for name in wanted if name not in named and wanted[name].ndim > 1]
    return named | _by_shape(missing, wanted, left)


def alone(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The state without copies of the network under prefixes (its average, say), where names fit as they are."""
    beside = copies(wanted, state)
    return {name: tensor for name, tensor in state.items() if name in wanted or not name.startswith(beside)}


def copies(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Prefixes behind which the whole network stands once more, where names fit as they are."""
    names = needed(wanted)
    if not names <= set(state):
        return ()
    first = min(names, default="")
    prefixes = {name.removesuffix(first) for name in state if name.endswith(f".{first}")}
    return tuple(sorted(prefix for prefix in prefixes if {prefix + name for name in names} <= set(state)))


def rivals(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    """Prefixes behind which as much stands of the network, more than half of it, if these are different networks."""
    found = {prefix: _behind(prefix, wanted, state) for prefix in _prefixes(wanted, state)}
    most = max(map(len, found.values()))
    best = {prefix: named for prefix, named in found.items() if len(named) == most}
    if "" in best or 2 * most <= len(wanted):
        return []
    first, *others = best.values()
    differ = any(
        not torch.equal(first[name], other[name]) for other in others for name in first if name in other
    )
    return sorted(best) if differ else []


def partly_loaded(network: nn.Module, state: Mapping[str, Tensor]) -> nn.Module | None:
    """The network with what `state` has of it, in place, everything else not a number; None if that is no layer."""
    wanted = network.state_dict()
    found = matched(wanted, state)
    if not any(tensor.ndim > 1 for tensor in found.values()):
        return None
    for name in needed(wanted):
        if name not in found and wanted[name].is_floating_point():
            found[name] = torch.full_like(wanted[name], torch.nan)
    network.load_state_dict(found, strict=False)
    return network.eval()


def _prefixes(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    """What may stand before the names on either side; nothing comes first."""
    found = {""}
    for name in wanted:
        found |= {other.removesuffix(name) for other in state if other.endswith(f".{name}")}
        found |= {f"-{name.removesuffix(other)}" for other in state if name.endswith(f".{other}")}
    return sorted(found)


def _behind(prefix: str, wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    def theirs(name: str) -> str:
        return name.removeprefix(prefix[1:]) if prefix.startswith("-") else prefix + name

    return {
        name: state[theirs(name)]
        for name, tensor in wanted.items()
        if theirs(name) in state and state[theirs(name)].shape == tensor.shape
    }


def _by_shape(
    missing: Sequence[str], wanted: Mapping[str, Tensor], left: Sequence[Tensor]
) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for shape in {tuple(wanted[name].shape) for name in missing}:
        names = [name for name in missing if tuple(wanted[name].shape) == shape]
        same = [tensor for tensor in left if tuple(tensor.shape) == shape]
        turned = [
            tensor.t()
            for tensor in left
            if tensor.ndim == 2 and tuple(tensor.t().shape) == shape != shape[::-1]
        ]
        for candidates in (same, turned):
            if len(candidates) == len(names):
                found |= dict(zip(names, candidates, strict=True))
                break
    return found
