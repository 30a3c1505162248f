"""What null models cost: against reading every key of every scheme from them, and one by one against stacked."""

from __future__ import annotations

import json
import time
from collections import defaultdict
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
from ownmark.runner import run
from ownmark.runner.session import named_plan

NETWORKS, BATCH, RATE = 8, 64, 0.05


def stage_seconds(journal: Path) -> dict[str, float]:
    """Seconds of each kind of stage; null models apart from the owners' hosts."""
    seconds: dict[str, float] = defaultdict(float)
    for line in journal.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        null = entry["stage"] == "host" and " null " in entry["label"]
        seconds["null" if null else entry["stage"]] += entry["seconds"]
    return seconds


@pytest.mark.bench
def test_reading_all_keys_of_all_schemes_over_training_the_null_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = yaml.safe_load(named_plan("ownmark_triggers.plans:triggers-digits.yaml")) | {"seeds": [0]}
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
    finished = run(tmp_path / "plan.yaml", out=tmp_path / "run", store=tmp_path / "store", device="cpu")
    assert len(finished.records) == len(plan["schemes"])
    seconds = stage_seconds(tmp_path / "run" / "journal.jsonl")
    models, keys = plan["verdict"]["null_models"], plan["verdict"]["keys"]
    with capsys.disabled():
        print(
            f"\n{len(plan['schemes'])} schemes x {keys} keys x {models} null models, drawing keys included: "
            f"{seconds['threshold'] / seconds['null']:.2f} of the seconds that training the null models takes"
        )


def step(network: nn.Module, state: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """One step of plain SGD: the new parameters."""

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(functional_call(network, parameters, (x,)), y)

    slope = grad(loss)(state)
    return {name: tensor - RATE * slope[name] for name, tensor in state.items()}


def plan_of_batches(count: int) -> Tensor:
    """Positions [steps, networks, batch]: every network sees the images in an order of its own."""
    rng = torch.Generator().manual_seed(0)
    orders = torch.stack([torch.randperm(count, generator=rng) for _ in range(NETWORKS)])
    steps = count // BATCH
    return orders[:, : steps * BATCH].reshape(NETWORKS, steps, BATCH).transpose(0, 1)


def seconds_of(train: Any) -> float:
    start = time.perf_counter()
    train()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


@pytest.mark.bench
def test_null_models_stacked_over_one_by_one(
    digits: tuple[Samples, Samples], capsys: pytest.CaptureFixture[str]
) -> None:
    device = torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")
    samples, host = digits[0].to(device), ConvNet(ConvNetConfig(norm="none"))
    networks = [host.build((1, 8, 8), 10).to(device) for _ in range(NETWORKS)]
    batches = plan_of_batches(len(samples)).to(device)
    stacked, base = stack_module_state(networks)[0], networks[0]
    singles = [{name: tensor[i].clone() for name, tensor in stacked.items()} for i in range(NETWORKS)]

    def together() -> None:
        nonlocal stacked
        for places in batches:
            at_once = vmap(lambda state, x, y: step(base, state, x, y))
            stacked = at_once(stacked, samples.x[places], samples.labels[places])

    def one_by_one() -> None:
        for i in range(NETWORKS):
            for places in batches[:, i]:
                singles[i] = step(base, singles[i], samples.x[places], samples.labels[places])

    took = [(seconds_of(one_by_one), seconds_of(together)) for _ in range(4)][1:]
    for i, single in enumerate(singles):
        assert all(torch.allclose(stacked[name][i], tensor, atol=1e-3) for name, tensor in single.items())
    ratios = sorted(alone / stack for alone, stack in took)
    with capsys.disabled():
        print(
            f"\n{NETWORKS} null models on {device}: stacked training runs at {ratios[1]:.2f} "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f}) times the speed of one by one"
        )
