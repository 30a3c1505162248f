"""The test at the end of every transform: both networks answer alike, on the example and on random inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor, nn

from ownmark_invariance.grouping.errors import NotEquivalent

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 5e-2, torch.bfloat16: 1e-1}
"""Allowed deviation as a share of the output's largest magnitude, where the caller names none."""


@torch.no_grad()
def verify_equivalence(
    before: nn.Module,
    after: nn.Module,
    example: Tensor | tuple[Tensor, ...],
    *,
    tolerance: float | None = None,
    rng: Generator | None = None,
) -> float:
    """The largest deviation relative to the output's magnitude; raises NotEquivalent if it exceeds the tolerance.

    Tried on the example and on random inputs of its shape, mean and spread (whole numbers: drawn from its range).
    """
    example = example if isinstance(example, tuple) else (example,)
    rng = rng or torch.Generator().manual_seed(0)
    worst = 0.0
    for kind, inputs in (("the example", example), ("random inputs", tuple(_alike(x, rng) for x in example))):
        old, new = (list(_outputs(net(*(x.clone() for x in inputs)))) for net in (before, after))
        if len(old) != len(new):
            raise NotEquivalent(f"on {kind} the networks return {len(old)} and {len(new)} tensors")
        for index, (a, b) in enumerate(zip(old, new, strict=True)):
            deviation = relative_deviation(a, b)
            limit = TOLERANCE.get(a.dtype, 0.0) if tolerance is None else tolerance
            if not deviation <= limit:
                raise NotEquivalent(
                    f"output {index} deviates by {deviation:.3g} of its magnitude on {kind}, more than {limit:.3g}"
                )
            worst = max(worst, deviation)
    return worst


def relative_deviation(old: Tensor, new: Tensor) -> float:
    """max |new - old| / max |old|; infinite where the shapes or the places of non-finite values differ."""
    if old.shape != new.shape:
        return float("inf")
    if old.numel() == 0:
        return 0.0
    old, new = old.double(), new.double()
    finite = old.isfinite()
    if not torch.equal(finite, new.isfinite()):
        return float("inf")
    scale = float(old[finite].abs().max()) if finite.any() else 1.0
    gap = float((new - old)[finite].abs().max()) if finite.any() else 0.0
    return gap / scale if scale > 0 else gap


def _alike(example: Tensor, rng: Generator) -> Tensor:
    if not example.is_floating_point():
        low, high = int(example.min()), int(example.max())
        return torch.randint(low, high + 1, example.shape, generator=rng).to(example)
    wide = example.double()
    spread = wide.std(correction=0) if wide.std(correction=0) > 0 else 1.0
    noise = torch.randn(example.shape, generator=rng, dtype=torch.float64).to(example.device)
    return (wide.mean() + spread * noise).to(example)


def _outputs(value: Any) -> Iterator[Tensor]:
    """Tensors of a nested output, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _outputs(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _outputs(part)
