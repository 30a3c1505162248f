"""Fingerprints of what a method must not change, and of what it must make again."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import rich.style  # noqa: F401  (draws from Python's generator when it is imported, which a method would be blamed for)
import torch
from torch import Tensor, nn

from ownmark.contracts.samples import Samples
from ownmark.discovery.surroundings import put_back, settings


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes."""
    state = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        state.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        state.update(flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b"")
    return state.hexdigest()


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """The state dict as the store keeps it: a copy on the CPU, contiguous, without gradients."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in network.state_dict().items()}


def snapshot(network: nn.Module) -> tuple[str, tuple[bool, ...]]:
    """Digest of a network's state and the training flag of each of its modules."""
    return digest_of(network.state_dict()), tuple(module.training for module in network.modules())


def samples_digest(*samples: Samples | None) -> str:
    """SHA-256 over the images and labels of several sets."""
    tensors: dict[str, Tensor] = {}
    for position, one in enumerate(samples):
        if one is not None:
            tensors[f"{position} x"] = one.x
            tensors |= {} if one.y is None else {f"{position} y": one.y}
    return digest_of(tensors)


def unfinished(tensors: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that hold infinities or not-a-numbers."""
    return [
        name for name, t in tensors.items() if t.is_floating_point() and not bool(torch.isfinite(t).all())
    ]


@dataclass(frozen=True)
class Ambient:
    """The global state that a method could disturb: torch's settings, and digests of the random generators."""

    settings: Mapping[str, Any]
    random: Mapping[str, bytes]


def ambient() -> Ambient:
    """As it is now."""
    generators = {
        "torch's random generator": torch.get_rng_state().numpy().tobytes(),
        "numpy's random generator": repr(np.random.get_state(legacy=False)).encode(),  # noqa: NPY002
        "Python's random generator": repr(random.getstate()).encode(),
    }
    return Ambient(
        {name: value for name, value in settings().items() if name.startswith("torch")}, generators
    )


def disturbed(before: Ambient) -> list[str]:
    """What differs from an earlier `ambient()`; settings are put back, for the sake of the next method."""
    now = ambient()
    return put_back(before.settings) + [
        name for name in before.random if now.random[name] != before.random[name]
    ]


@contextmanager
def stirred(seed: int = 17) -> Iterator[None]:
    """Other global random states for the block, so that whatever depends on them shows; then the former ones."""
    former_numpy, former_python = np.random.get_state(), random.getstate()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(former_numpy)  # noqa: NPY002
            random.setstate(former_python)


def listed(names: Iterable[str], most: int = 3) -> str:
    """`a, b, c and 4 more`."""
    every = list(names)
    rest = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + rest
