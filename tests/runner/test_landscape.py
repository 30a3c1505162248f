"""Landscapes: Eq. 7's directions, neighbours with measured statistics, and what a run records and draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ownmark.contracts import Key
from ownmark.report.vicinity import basin, vicinity_picture
from ownmark.report.write import write_report
from ownmark.runner.landscape import axis, direction, neighbours, steepest


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4))


def weights(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in net.named_parameters()}


def test_directions_have_the_length_of_the_weights() -> None:
    theta = weights(network())
    moves = {name: torch.randn_like(value) for name, value in theta.items()}
    found = direction(moves, theta)
    flat = [np.concatenate([part[name].numpy().ravel() for name in theta]) for part in (theta, moves, found)]
    np.testing.assert_allclose(
        flat[2], flat[1] / np.linalg.norm(flat[1]) * np.linalg.norm(flat[0]), rtol=1e-5
    )


def test_first_direction_is_the_triggers_gradient() -> None:
    net = network()
    key = Key("any", {"triggers": torch.rand(5, 1, 4, 4), "labels": torch.tensor([0, 1, 2, 3, 0])})
    found = steepest(net, key, weights(net))
    F.cross_entropy(net.eval()(key["triggers"]), key["labels"]).backward()
    assert found is not None
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad)
    assert steepest(net, Key("bits", {"message": torch.ones(3)}), weights(net)) is None


def test_neighbours_lie_where_they_should_and_measure_their_statistics() -> None:
    net, x = network(), torch.rand(64, 1, 4, 4)
    theta = weights(net)
    first, second = (
        {name: torch.full_like(value, by) for name, value in theta.items()} for by in (1.0, -2.0)
    )
    places = [(a, b) for a in (0.0, 0.5) for b in (0.0, 1.0)]
    for (a, b), near in zip(places, neighbours(net, first, second, ([0.0, 0.5], [0.0, 1.0]), x), strict=True):
        for name, value in near.named_parameters():
            torch.testing.assert_close(value.detach(), theta[name] + a - 2 * b)
        torch.testing.assert_close(near[1].running_mean, near[0](x).mean((0, 2, 3)), atol=1e-5, rtol=1e-4)
        assert not near.training


@pytest.mark.parametrize(("reach", "points"), [(0.3, 4), (1.0, 2)])
def test_axes_begin_at_the_marked_network(reach: float, points: int) -> None:
    np.testing.assert_allclose(axis(reach, points), np.linspace(0, reach, points))


def plane(**changes: Any) -> dict[str, Any]:
    made = {
        "adversarial": [0.0, 0.1, 0.2], "finetuning": [0.0, 0.3], "tuned": 0.1, "direction": "adversarial",
        "rate": [[1.0, 0.5], [0.1, 0.1], [0.1, None]], "utility": [[0.8, 0.8], [0.73, 0.7], [0.1, 0.8]],
    }  # fmt: skip
    return made | changes


def test_basin_counts_points_without_the_mark_that_keep_the_task() -> None:
    assert basin(plane()) == (pytest.approx(1 / 6), 0.1)
    assert basin(plane(rate=[[1.0] * 2] * 3)) == (0.0, None)
    assert basin(plane(rate=[[0.0] * 2] * 3, utility=[[0.5] * 2] * 3)) == (1.0, 0.0)


PLAN = """
schemes: [{content: {keys: 10}}, {uchida: {bits: 8, start: trained, recipe: {epochs: 1}}}]
attacks: [none, prune]
seeds: [0, 1]
metrics: []
landscape: {points: 2, images: 40, steps: 1}
"""


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "changes",
    [
        {"rate": [[1.0, 1.0], [1.0, 1.0]]},
        {"utility": [[None, 0.5], [0.5, 0.4]]},
        {"rate": [[None, None], [None, None]]},
    ],
    ids=["no edge", "no utility at the origin", "no evidence"],
)
def test_planes_are_drawn_whose_basin_has_no_edge(changes: dict[str, Any]) -> None:
    flat = {"adversarial": [0.0, 0.1], "finetuning": [0.0, 0.1], "rate": [[1.0, 0.1], [0.1, 0.0]]}
    whole = plane(**flat, utility=[[0.9, 0.8], [0.8, 0.1]])
    drawn = vicinity_picture([("whole", whole), ("flat", whole | changes)])
    assert drawn.startswith(b"\x89PNG")
    assert drawn != vicinity_picture([("whole", whole), ("flat", whole)])


def test_a_run_surveys_each_scheme_once_and_draws_them_side_by_side(workshop: Any) -> None:
    finished = workshop.run(PLAN)
    assert workshop.progress.counts["landscape"] == 2
    found = [record["landscape"] for record in finished.records if "landscape" in record]
    assert [plane["direction"] for plane in found] == ["adversarial", "random"]
    for plane in found:
        assert np.shape(plane["rate"]) == np.shape(plane["utility"]) == (2, 2)
        assert plane["adversarial"][0] == plane["finetuning"][0] == 0
        assert plane["tuned"] > 0
    report = write_report(workshop.folder / "tiny")
    assert [file.name for file in report.files if file.name.startswith("vicinity-")] == [
        "vicinity-digits-convnet.png"
    ]
    assert "Vicinity of the marked networks" in (workshop.folder / "tiny" / "report.md").read_text()
    assert workshop.run(PLAN).records == finished.records
    assert not workshop.progress.stages
