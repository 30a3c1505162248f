"""The adaptive price against a class-by-class oracle in plain Python; the outlier test against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ownmark_laundering.config import ReconstructionConfig
from ownmark_laundering.outliers import anomaly, flagged, measured, ranking
from ownmark_laundering.price import advance, begin, finished

FIRST = 1e-3


class Oracle:
    """One class, with numbers and ifs."""

    def __init__(self, patience: int, gain: float) -> None:
        self.patience, self.gain = patience, gain
        self.price, self.good, self.bad = 0.0, 0, 0
        self.raised = self.lowered = False
        self.best = self.mark = float("inf")
        self.stalled = 0

    def step(self, accuracy: float, norm: float) -> None:
        if accuracy >= 0.99:
            self.good, self.bad = self.good + 1, 0
            self.best = min(self.best, norm)
        else:
            self.good, self.bad = 0, self.bad + 1
        if self.best < self.gain * self.mark:
            self.mark, self.stalled = self.best, 0
        elif self.best < float("inf"):
            self.stalled += 1
        if self.good == self.patience:
            self.good = 0
            if self.price == 0:
                self.price = FIRST
            else:
                self.price, self.raised = min(1e9, self.price * 2), True
        if self.bad == self.patience:
            self.bad = 0
            if self.price > 0:
                self.price, self.lowered = self.price / 2**1.5, True

    @property
    def done(self) -> bool:
        return self.raised and self.lowered and self.stalled >= 5 * self.patience


@pytest.mark.parametrize(("better", "gain"), [("authors", 1.0), ("one-percent", 0.99)])
@pytest.mark.parametrize("patience", [1, 2, 5])
def test_adaptive_price_equals_one_state_machine_a_class(patience: int, better: Any, gain: float) -> None:
    config = ReconstructionConfig(patience=patience, better=better)
    random = np.random.default_rng(patience)
    oracles = [Oracle(patience, gain) for _ in range(8)]
    state = begin(8, FIRST, config, torch.device("cpu"))
    seen = 0
    for _ in range(200):
        accuracy = np.where(random.random(8) < [0, 0.5, 0.8, 0.9, 0.95, 0.97, 0.99, 1], 1.0, 0.5)
        norm = random.uniform(3, 9, 8).astype(np.float32)
        for oracle, a, n in zip(oracles, accuracy, norm, strict=True):
            oracle.step(float(a), float(n))
        state = advance(state, torch.tensor(accuracy).float(), torch.tensor(norm), FIRST, config)
        for name in ("good", "bad", "raised", "lowered", "stalled"):
            assert getattr(state, name).tolist() == [getattr(oracle, name) for oracle in oracles]
        assert state.price.tolist() == pytest.approx([oracle.price for oracle in oracles])
        assert state.best.tolist() == pytest.approx([oracle.best for oracle in oracles])
        assert finished(state, config).tolist() == [oracle.done for oracle in oracles]
        seen += int(finished(state, config).sum())
    assert seen > 0


def test_price_waits_for_a_trigger_that_works_before_it_starts() -> None:
    config = ReconstructionConfig(patience=2)
    state = begin(1, FIRST, config, torch.device("cpu"))
    prices = []
    for works in (0, 0, 0, 0, 1, 1, 1, 1, 0, 0):
        state = advance(state, torch.tensor([float(works)]), torch.tensor([4.0]), FIRST, config)
        prices.append(round(float(state.price), 7))
    assert prices == pytest.approx([0, 0, 0, 0, 0, 1e-3, 1e-3, 2e-3, 2e-3, 2e-3 / 2**1.5], rel=1e-3)


def test_fixed_price_never_moves_and_stops_when_stalled() -> None:
    config = ReconstructionConfig(patience=2, schedule="fixed")
    state = begin(1, FIRST, config, torch.device("cpu"))
    for step in range(11):
        assert bool(finished(state, config)) is False, step
        state = advance(state, torch.ones(1), torch.tensor([4.0]), FIRST, config)
    assert float(state.price) == pytest.approx(FIRST)
    assert bool(finished(state, config)) is True


def numpy_anomaly(norms: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    deviation = np.abs(norms - np.median(norms))
    return deviation / (1.4826 * np.median(deviation))


@pytest.mark.parametrize("classes", [3, 4, 10, 43])
def test_anomaly_index_equals_numpy(classes: int) -> None:
    norms = np.random.default_rng(classes).uniform(1, 60, classes).astype(np.float32)
    assert anomaly(torch.tensor(norms)).numpy() == pytest.approx(numpy_anomaly(norms), rel=1e-4)


def test_only_small_outliers_are_flagged_smallest_first() -> None:
    norms = torch.tensor([30.0, 31, 3, 29, 32, 30, 1, 95, 31, 29])
    assert flagged(norms, 2.0) == [6, 2]
    assert ranking(norms)[:2] == [6, 2]
    assert ranking(norms)[-1] == 7


def test_equal_norms_flag_nobody_and_one_among_equals_is_infinitely_odd() -> None:
    assert flagged(torch.full((10,), 5.0), 2.0) == []
    assert anomaly(torch.tensor([5.0, 5, 5, 1])).tolist() == [0, 0, 0, float("inf")]


def test_two_norms_are_never_outliers() -> None:
    assert anomaly(torch.tensor([1.0, 50.0])).tolist() == pytest.approx([1 / 1.4826] * 2)


def test_unconverged_masks_hide_a_small_one_from_the_norms_but_not_from_their_logarithms() -> None:
    norms = torch.tensor([88.5, 25.9, 95.0, 120.0, 150.0, 165.0, 180.0, 200.0, 205.0, 209.0])
    assert flagged(norms, 2.0) == flagged(norms, 2.0, "authors") == []
    assert flagged(norms, 2.0, "log") == [1]
    logs = np.log(norms.double().numpy())
    expected = np.abs(logs - np.median(logs)) / (1.4826 * np.median(np.abs(logs - np.median(logs))))
    assert anomaly(measured(norms, "log")).numpy() == pytest.approx(expected, rel=1e-4)
    assert flagged(torch.tensor([0.0, 5.0, 6.0, 7.0]), 2.0, "log") == [0]
