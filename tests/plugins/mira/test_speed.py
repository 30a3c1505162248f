"""How long inversion takes: all classes in one batch next to one after the other, and by the memory order."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
import torch
from tests.memory_order import contiguous_over_channels_last, on_hosts
from tests.plugins.mira.conftest import generator

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Host, seeded
from ownmark_mira.config import RecoveryConfig
from ownmark_mira.detection import smooth_accuracy
from ownmark_mira.inversion import invert


def seconds(work: Callable[[], object], device: torch.device) -> float:
    begun = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


@pytest.mark.bench
@pytest.mark.parametrize(
    ("shape", "classes", "samples"),
    [((1, 8, 8), 10, 64), ((1, 8, 8), 100, 64), ((1, 28, 28), 10, 64), ((3, 32, 32), 10, 64)],
    ids=str,
)
def test_all_classes_at_once_over_one_by_one(
    shape: tuple[int, int, int], classes: int, samples: int, capsys: pytest.CaptureFixture[str]
) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with seeded(generator(1)):
        network = ConvNet(ConvNetConfig()).build(shape, classes).eval().to(device)
    start = torch.randn((classes, samples, *shape), generator=generator(0)).to(device)
    together, alone = (
        RecoveryConfig(samples=samples, iterations=2, at_once=n) for n in (RecoveryConfig().at_once, samples)
    )
    ratios = []
    for _ in range(5):
        one_by_one = seconds(lambda: invert(network, start, alone), device)
        ratios.append(one_by_one / seconds(lambda: invert(network, start, together), device))
    with capsys.disabled():
        print(
            f"\n{shape}, {classes} classes x {samples} on {device}, {torch.get_num_threads()} threads: one by one / "
            f"at once, median {statistics.median(ratios[1:]):.2f} ({min(ratios[1:]):.2f} to {max(ratios[1:]):.2f})"
        )
    assert all(ratio > 0 for ratio in ratios)


@pytest.mark.bench
@on_hosts
@pytest.mark.parametrize("part", ["inversion", "detection"])
def test_channels_last_over_contiguous(
    part: str,
    host: Host,
    shape: tuple[int, int, int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with seeded(generator(1)):
        network = host.build(shape, 10).eval()
    start, config = torch.randn((10, 32, *shape), generator=generator(0)), RecoveryConfig(iterations=5)

    def work(order: torch.memory_format) -> None:
        monkeypatch.setattr("ownmark_mira.inversion.ORDER", order)
        monkeypatch.setattr("ownmark_mira.detection.ORDER", order)
        if part == "inversion":
            invert(network, start, config)
        else:
            smooth_accuracy(network, start, 10, 0.1, 0.05, generator(0))

    told = contiguous_over_channels_last(work)
    with capsys.disabled():
        print(f"\n{part}, {shape}, {told}")
