"""What a training step costs in operations: counted on the CPU, where a GPU's launches and waits show as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ownmark.contracts import Batch, Recipe, Samples
from ownmark.contracts.fit import smoothed_cross_entropy
from ownmark.discovery import discover
from ownmark.loops import Fitter
from ownmark.loops.augment import augmentation
from ownmark.loops.batches import Batches
from ownmark.loops.schedule import optimizer, rate_factor
from ownmark.methods import Kind

WAITS = ("_local_scalar_dense", "nonzero", "item", "is_nonzero", "masked_select", "_unique2", "equal")
"""Operations whose result decides something in Python or sizes a tensor: on a GPU they wait for all before."""


class Counting(TorchDispatchMode):
    """Counts the operations that reach a device."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen[func.overloadpacket._qualified_op_name.removeprefix("aten::")] += 1
        return func(*args, **(kwargs or {}))


def counted(train: Callable[[], object]) -> Counter[str]:
    with Counting() as counting:
        train()
    return counting.seen


def a_step(train: Callable[[int], object]) -> Counter[str]:
    """Operations of ten steps more, in an epoch of the same number: what is spent once a training cancels out."""
    return counted(lambda: train(20)) - counted(lambda: train(10))


def bare(network: nn.Module, samples: Samples, recipe: Recipe) -> None:
    """The loop a user would write, with the same views of the images."""
    network.to(memory_format=torch.channels_last).train()
    rng = torch.Generator().manual_seed(0)
    chosen = optimizer(recipe, network.parameters())
    steps = -(-len(samples) // recipe.batch_size) * recipe.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(chosen, lambda step: rate_factor(recipe, step, steps))
    for batch in Batches(samples, recipe.batch_size, augmentation(recipe), rng):
        chosen.zero_grad()
        x = batch.x.contiguous(memory_format=torch.channels_last)
        F.cross_entropy(network(x).float(), batch.labels).backward()
        chosen.step()
        schedule.step()


@pytest.mark.parametrize("augment", ["none", "crop-flip"])
@pytest.mark.parametrize(
    ("host", "params"), [("convnet", {"width": 0.25}), ("resnet", {"depth": 8, "width": 4})]
)
def test_a_step_takes_hardly_more_operations_than_a_bare_loop_and_waits_for_nothing(
    host: str, params: dict[str, Any], augment: Any
) -> None:
    built = discover().build(Kind.HOST, host, params)
    recipe = Recipe(epochs=1, batch_size=4, augment=augment)

    def samples(steps: int) -> Samples:
        return Samples(torch.zeros(4 * steps, 3, 16, 16), torch.zeros(4 * steps, dtype=torch.int64))

    def ours(steps: int) -> object:
        fitter = Fitter(torch.device("cpu"), torch.Generator().manual_seed(0))
        return fitter(built.build((3, 16, 16), 10), samples(steps), recipe)

    fitted = a_step(ours)
    plain = a_step(lambda steps: bare(built.build((3, 16, 16), 10), samples(steps), recipe))
    assert fitted.total() <= 1.1 * plain.total(), (fitted - plain, fitted.total(), plain.total())
    assert plain.total() > 500, "ten steps of a network are many operations"
    assert not {name: count for name, count in fitted.items() if name in WAITS}


@pytest.mark.parametrize(
    "term",
    [
        lambda network, batch, step: network(batch.x).square().mean() * batch.x.sum().item(),
        lambda network, batch, step: network(batch.x[batch.x.sum((1, 2, 3)).nonzero()[:, 0]]).sum(),
    ],
    ids=["item", "nonzero"],
)  # fmt: skip
def test_a_term_that_waits_is_seen(term: Any) -> None:
    samples = Samples(torch.ones(8, 1, 2, 2), torch.zeros(8, dtype=torch.int64))

    def train() -> object:
        fitter = Fitter(torch.device("cpu"), torch.Generator().manual_seed(0))
        network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        return fitter(network, samples, Recipe(epochs=1, batch_size=4, lr=1e-3), terms=[term])

    seen = counted(train)
    assert seen["_local_scalar_dense"] + seen["nonzero"] > 1


def test_smoothing_spreads_the_target() -> None:
    network, logits = nn.Identity(), torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0]])
    batch = Batch(logits, torch.tensor([0, 1]), torch.arange(2))
    target = torch.tensor([[0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3], [0.1 / 3, 0.9 + 0.1 / 3, 0.1 / 3]])
    expected = -(target * logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(smoothed_cross_entropy(0.1)(network, batch, 0), expected)
    torch.testing.assert_close(
        smoothed_cross_entropy(0.0)(network, batch, 0), F.cross_entropy(logits, batch.labels)
    )
