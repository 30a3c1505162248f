"""What null models cost: against reading every key of every scheme from them, and one by one against stacked."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Samples
from ownmark.discovery import discover
from ownmark.methods import Kind, Need
from ownmark.runner.cell import expand
from ownmark.runner.session import named_plan, prepare

NETWORKS, BATCH, RATE = 8, 64, 0.05


def seconds_of(train: Any) -> float:
    start = time.perf_counter()
    train()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


@pytest.mark.bench
def test_reading_all_keys_of_all_schemes_over_training_the_null_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog, plan = discover(), yaml.safe_load(named_plan("ownmark_triggers.plans:triggers-digits.yaml"))
    fresh = [
        name
        for name in plan["schemes"]
        if Need.EMBEDDED_KEY not in catalog.find(Kind.SCHEME, name).needs  # the others have one key each
    ]
    (tmp_path / "plan.yaml").write_text(
        yaml.safe_dump(plan | {"schemes": fresh, "seeds": [0]}), encoding="utf-8"
    )
    session = prepare(tmp_path / "plan.yaml", tmp_path / "run", tmp_path / "store", "cpu", None, None)
    session.folder.mkdir()
    cells, engine = expand(session.plan), session.engine
    nulls = session.making.hosts.nulls(cells[0].task)
    engine.get(session.making.hosts.host(cells[0].task, "warm up"))
    training = seconds_of(lambda: [engine.get(null) for null in nulls])
    reading = seconds_of(lambda: [engine.get(session.judging.nulls.threshold(cell)) for cell in cells])
    with capsys.disabled():
        print(
            f"\n{len(cells)} schemes x {plan['verdict']['keys']} fresh keys x {len(nulls)} null models, drawing keys "
            f"included: {reading / training:.2f} of the seconds that training the null models takes"
        )
    assert len(cells) == len(fresh)


def functional_step(network: nn.Module, state: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """One step of plain SGD: the new parameters."""

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(functional_call(network, parameters, (x,)), y)

    slope = grad(loss)(state)
    return {name: tensor - RATE * slope[name] for name, tensor in state.items()}


def plain_step(network: nn.Module, x: Tensor, y: Tensor) -> None:
    """The same as PyTorch programs write it."""
    network.zero_grad()
    F.cross_entropy(network(x), y).backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter -= RATE * parameter.grad


def plan_of_batches(count: int) -> Tensor:
    """Positions [steps, networks, batch]: every network sees the images in an order of its own."""
    rng = torch.Generator().manual_seed(0)
    orders = torch.stack([torch.randperm(count, generator=rng) for _ in range(NETWORKS)])
    steps = count // BATCH
    return orders[:, : steps * BATCH].reshape(NETWORKS, steps, BATCH).transpose(0, 1)


@pytest.mark.bench
def test_null_models_stacked_over_one_by_one(
    digits: tuple[Samples, Samples], capsys: pytest.CaptureFixture[str]
) -> None:
    device = torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")
    samples, host = digits[0].to(device), ConvNet(ConvNetConfig(norm="none"))
    networks = [host.build((1, 8, 8), 10).to(device) for _ in range(NETWORKS)]
    batches = plan_of_batches(len(samples)).to(device)
    stacked, base = stack_module_state(networks)[0], copy.deepcopy(networks[0])

    def together() -> None:
        nonlocal stacked
        for places in batches:
            at_once = vmap(lambda state, x, y: functional_step(base, state, x, y))
            stacked = at_once(stacked, samples.x[places], samples.labels[places])

    def one_by_one() -> None:
        for i, network in enumerate(networks):
            for places in batches[:, i]:
                plain_step(network, samples.x[places], samples.labels[places])

    took = [(seconds_of(one_by_one), seconds_of(together)) for _ in range(4)][1:]
    for i, network in enumerate(networks):
        assert all(torch.allclose(stacked[name][i], p, atol=1e-3) for name, p in network.named_parameters())
    ratios = sorted(alone / stack for alone, stack in took)
    with capsys.disabled():
        print(
            f"\n{NETWORKS} null models on {device}: stacked training runs at {ratios[1]:.2f} "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f}) times the speed of one by one"
        )
