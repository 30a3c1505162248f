"""A hundred classes in stated memory, a GPU that runs out of it, hosts of every kind, and plans that are refused."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.memory_order import contiguous_over_channels_last, on_hosts
from torch import Tensor, nn

from ownmark.builtin.hosts.config import ConvNetConfig, LeNet5Config
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.builtin.hosts.lenet5 import LeNet5
from ownmark.contracts import Host, Samples, Stolen, seeded
from ownmark.errors import PlanError
from ownmark.runner.session import prepare
from ownmark_laundering import cleanse
from ownmark_laundering.cleanse import chunk, random_start, reconstruct, reverse
from ownmark_laundering.config import ReconstructionConfig
from ownmark_laundering.laundering.attack import Laundering
from ownmark_laundering.laundering.config import LaunderingConfig
from ownmark_laundering.neural_cleanse.attack import NeuralCleanse
from ownmark_laundering.neural_cleanse.config import NeuralCleanseConfig

CLASSES = 100


class Limited(nn.Module):
    """A linear network that counts the images of each pass, and has memory for so many at once."""

    def __init__(self, memory: int) -> None:
        super().__init__()
        self.fc = nn.Linear(64, CLASSES)
        self.memory = memory
        self.seen: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.memory:
            raise torch.cuda.OutOfMemoryError
        self.seen.append(len(x))
        logits: Tensor = self.fc(x.flatten(1))
        return logits


def hundred(memory: int, rng: Any, **parameters: Any) -> tuple[Limited, cleanse.Reconstruction]:
    with seeded(rng(3)):
        network = Limited(memory)
    config = ReconstructionConfig(steps=2, images=32, batch_size=16, patience=1, success=0.3, **parameters)
    return network, reconstruct(network, torch.rand((32, 1, 8, 8), generator=rng(1)), CLASSES, config, rng(0))


@pytest.mark.parametrize("at_once", [16, 100, 400])
def test_a_hundred_classes_stay_within_the_stated_images_a_pass(at_once: int, rng: Any) -> None:
    network, found = hundred(10**9, rng, at_once=at_once)
    assert max(network.seen) == at_once // 16 * 16
    assert sum(network.seen) == CLASSES * 16 * 2 * 2, "each class, each image, each step, once"
    assert found.masks.shape == (CLASSES, 1, 8, 8)


@pytest.mark.parametrize(
    ("device", "side", "at_once", "classes"),
    [("cuda", 32, 5000, 156), ("cuda", 32, 10, 1), ("cpu", 8, 5000, 16), ("cpu", 8, 64, 2), ("cpu", 32, 5000, 1),
     ("cpu", 224, 5000, 1)],
)  # fmt: skip
def test_classes_of_a_pass_fit_the_budget_and_a_cpus_caches(
    device: str, side: int, at_once: int, classes: int
) -> None:
    config = ReconstructionConfig(at_once=at_once)
    assert chunk(config, 32, side * side, torch.device(device)) == classes


@pytest.mark.parametrize("memory", [16, 450, 1000])
def test_a_network_that_exhausts_memory_gets_fewer_classes_at_once(memory: int, rng: Any) -> None:
    network, found = hundred(memory, rng)
    assert 0 < max(network.seen) <= memory
    assert max(network.seen) > memory / 2 - 16, "halved no further than needed"
    whole = hundred(10**9, rng)[1]
    torch.testing.assert_close(found.masks, whole.masks, atol=2e-3, rtol=0)
    assert torch.equal(found.reached, whole.reached)


def test_not_even_one_class_fits(rng: Any) -> None:
    with pytest.raises(torch.cuda.OutOfMemoryError):
        hundred(15, rng)


@pytest.mark.parametrize("norm", ["batch", "group", "none"])
@pytest.mark.parametrize(("shape", "classes"), [((1, 8, 8), 3), ((3, 8, 8), 4), ((1, 28, 28), 3)], ids=str)
def test_neural_cleanse_works_on(
    host: Any, fit: Any, rng: Any, norm: str, shape: tuple[int, int, int], classes: int
) -> None:
    network = host(shape, classes, norm=norm)
    config = NeuralCleanseConfig(steps=2, images=16, batch_size=8, index=0, recipe={"epochs": 1})  # type: ignore[arg-type]
    NeuralCleanse(config).check(network, shape, classes)
    images = Samples(torch.rand((12, *shape), generator=rng(0)), torch.arange(12) % classes)
    suspect = NeuralCleanse(config).attack(Stolen(network, shape, classes, images), fit, rng(0))
    assert torch.isfinite(suspect.network(images.x)).all()


@pytest.mark.parametrize("attack", ["laundering", "neural_cleanse"])
def test_lenet_without_any_norm(attack: str, fit: Any, rng: Any) -> None:
    shape = (1, 28, 28)
    with seeded(rng(3)):
        network = LeNet5(LeNet5Config()).build(shape, 3).eval()
    parameters: dict[str, Any] = {
        "steps": 2,
        "images": 16,
        "batch_size": 8,
        "index": 0,
        "recipe": {"epochs": 1},
    }
    images = Samples(torch.rand((12, *shape), generator=rng(0)), torch.arange(12) % 3)
    one: Laundering | NeuralCleanse = (
        Laundering(LaunderingConfig(**parameters))
        if attack == "laundering"
        else NeuralCleanse(NeuralCleanseConfig(**parameters))
    )
    one.check(network, shape, 3)
    suspect = one.attack(Stolen(network, shape, 3, images), fit, rng(0))
    assert torch.isfinite(suspect.network(images.x)).all()


@pytest.mark.parametrize(
    ("attacks", "reason"),
    [
        ("[neural_cleanse]", "2 cannot have one"),
        ("[{laundering: {}, given: {data: none}}]", "needs images"),
        ("[{neural_cleanse: {}, given: {data: none}}]", "needs images"),
    ],
    ids=["two classes", "laundering without images", "neural_cleanse without images"],
)
def test_plan_is_refused_before_training(attacks: str, reason: str, tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (80, 8, 8), np.uint8)
    y = np.arange(40) % 2
    np.savez(tmp_path / "two.npz", x_train=x[:40], y_train=y, x_test=x[40:], y_test=y)
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        f"tasks: [{{dataset: {{npz: {{path: {tmp_path / 'two.npz'}}}}}, host: convnet}}]\n"
        f"schemes: [content]\nattacks: {attacks}\n"
    )
    with pytest.raises(PlanError, match=reason):
        prepare(plan, tmp_path / "run", tmp_path / "store", "cpu", None, None)
    assert not any((tmp_path / "store").rglob("*.safetensors"))


@pytest.mark.bench
@pytest.mark.parametrize(
    ("shape", "classes"), [((1, 8, 8), 10), ((1, 28, 28), 10), ((3, 32, 32), 10), ((1, 28, 28), 100)], ids=str
)
def test_all_classes_at_once_over_one_by_one(
    shape: tuple[int, int, int], classes: int, rng: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with seeded(rng(3)):
        network = ConvNet(ConvNetConfig()).build(shape, classes).eval().to(device)
    x = torch.rand((64, *shape), generator=rng(0)).to(device)
    config = ReconstructionConfig(steps=1, images=64)
    start = random_start(classes, shape, rng(0)).to(device)

    def one_by_one() -> None:
        with cleanse.fixed(network):
            for k in range(classes):
                reverse(network, x, start[k : k + 1], torch.tensor([k], device=device), config, 5)

    def at_once() -> None:
        reconstruct(network, x, classes, config, rng(0))

    def seconds(work: Any) -> float:
        begun = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begun

    one_by_one(), at_once()
    ratios = [seconds(one_by_one) / seconds(at_once) for _ in range(5)]
    with capsys.disabled():
        print(
            f"\n{shape}, {classes} classes on {device}, {torch.get_num_threads()} threads: one by one / at once, "
            f"median {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, 5 times)"
        )
    assert len(ratios) == 5


@pytest.mark.bench
@on_hosts
def test_channels_last_over_contiguous(
    host: Host, shape: tuple[int, int, int], rng: Any, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with seeded(rng(3)):
        network = host.build(shape, 10).eval()
    x, config = torch.rand((64, *shape), generator=rng(0)), ReconstructionConfig(steps=3, images=64)

    def work(order: torch.memory_format) -> None:
        monkeypatch.setattr(cleanse, "ORDER", order)
        reconstruct(network, x, 10, config, rng(0))

    told = contiguous_over_channels_last(work)
    with capsys.disabled():
        print(f"\n{shape}, {told}")
