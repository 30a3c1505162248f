"""Training steps per second through `Fitter`, over those of a bare PyTorch loop that does the same work."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ownmark.contracts import Recipe, Samples
from ownmark.discovery import discover
from ownmark.loops import Fitter
from ownmark.loops.schedule import optimizer, rate_factor
from ownmark.methods import Kind

HOSTS: dict[str, tuple[str, dict[str, Any], int]] = {
    "convnet": ("convnet", {}, 3072),
    "resnet-8-16": ("resnet", {"depth": 8, "width": 16}, 1536),
}
"""Name -> host, its parameters, images (sixteen times as many on a GPU, so that a run takes a second or more)."""
RECIPE = Recipe(epochs=2, batch_size=64, lr=0.05, schedule="one-cycle")
REPEATS = 5


def device() -> torch.device:
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def bare(network: nn.Module, samples: Samples) -> None:
    """What `Fitter` has to do, and nothing else."""
    network.to(device()).to(memory_format=torch.channels_last).train()
    steps = RECIPE.epochs * -(-len(samples) // RECIPE.batch_size)
    chosen = optimizer(RECIPE, network.parameters())
    schedule = torch.optim.lr_scheduler.LambdaLR(chosen, lambda step: rate_factor(RECIPE, step, steps))
    rng = torch.Generator(device()).manual_seed(0)
    for _ in range(RECIPE.epochs):
        order = torch.randperm(len(samples), generator=rng, device=rng.device)
        for index in torch.split(order, RECIPE.batch_size):
            x = samples.x[index].contiguous(memory_format=torch.channels_last)
            chosen.zero_grad()
            F.cross_entropy(network(x), samples.labels[index]).backward()
            chosen.step()
            schedule.step()


def fitted(network: nn.Module, samples: Samples) -> None:
    Fitter(device(), torch.Generator().manual_seed(0))(network, samples, RECIPE)


def seconds(train: Callable[[nn.Module, Samples], None], network: nn.Module, samples: Samples) -> float:
    wait()
    start = time.perf_counter()
    train(network, samples)
    wait()
    return time.perf_counter() - start


@pytest.mark.bench
@pytest.mark.parametrize("name", HOSTS)
def test_steps_per_second_over_those_of_a_bare_loop(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    id, params, count = HOSTS[name]
    count *= 16 if torch.cuda.is_available() else 1
    host = discover().build(Kind.HOST, id, params)
    draw = torch.Generator().manual_seed(1)
    samples = Samples(
        torch.rand(count, 3, 32, 32, generator=draw), torch.randint(10, (count,), generator=draw)
    ).to(device())
    ratios, steps = [], RECIPE.epochs * -(-count // RECIPE.batch_size)
    for repeat in range(REPEATS + 1):
        torch.manual_seed(0)
        pair = [host.build((3, 32, 32), 10) for _ in range(2)]
        jobs = [(bare, pair[0]), (fitted, pair[1])]
        took = {job: seconds(job, network, samples) for job, network in (jobs if repeat % 2 else jobs[::-1])}
        if repeat:  # the first one warms up
            ratios.append(took[bare] / took[fitted])
    with capsys.disabled():
        print(
            f"\n{name} on {device()}: ownmark / bare steps per second, median {statistics.median(ratios):.3f} "
            f"({min(ratios):.3f} to {max(ratios):.3f}, {REPEATS} times, "
            f"{steps / took[fitted]:.0f} steps/s, {steps} steps)"
        )
    assert len(ratios) == REPEATS
