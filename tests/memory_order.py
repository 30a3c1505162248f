"""A benchmark that packs share: what memory order costs, as a ratio in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
import torch

from ownmark.builtin.hosts.config import ConvNetConfig, ResNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.builtin.hosts.resnet import ResNet

on_hosts = pytest.mark.parametrize(
    ("host", "shape"),
    [
        (ConvNet(ConvNetConfig()), (1, 8, 8)),
        (ConvNet(ConvNetConfig()), (3, 32, 32)),
        (ResNet(ResNetConfig(depth=8)), (3, 32, 32)),
    ],
    ids=("convnet-8", "convnet-32", "resnet8-32"),
)
"""Hosts whose networks are worked with in either order."""


def contiguous_over_channels_last(work: Callable[[torch.memory_format], object]) -> str:
    """Ratio of CPU times of `work` in both orders: median and range of five, after one that warms up."""

    def spent(order: torch.memory_format) -> float:
        begun = time.process_time()
        work(order)
        return time.process_time() - begun

    ratios = [spent(torch.contiguous_format) / spent(torch.channels_last) for _ in range(6)][1:]
    return (
        f"10 classes, {torch.get_num_threads()} threads, CPU time: contiguous / channels-last, median "
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, 5 times)"
    )
