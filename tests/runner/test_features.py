"""Hidden features: what the last dense layer is handed, the plane they lie in, and what a run records and draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ownmark.report.write import write_report
from ownmark.runner.features import at_home, embedded, hidden, nearness, spread


class Branches(nn.Module):
    """Two dense layers, declared in the order in which they are not used."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(5, 3)
        self.first = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        answers: torch.Tensor = self.last(self.first(x.flatten(1)).relu())
        return answers


def test_features_are_the_input_of_the_dense_layer_that_is_called_last() -> None:
    torch.manual_seed(0)
    network, x = Branches(), torch.rand(600, 1, 4, 4)  # more than one batch
    torch.testing.assert_close(hidden(network, x), network.first(x.flatten(1)).relu().detach())
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_networks_without_dense_layers_have_their_answers_for_features() -> None:
    network, x = nn.Sequential(nn.Conv2d(1, 3, 4), nn.Flatten()), torch.rand(7, 1, 4, 4)
    torch.testing.assert_close(hidden(network, x), network(x).detach())


def test_groups_stay_apart_in_the_plane_and_equal_seeds_give_equal_planes() -> None:
    rng = np.random.default_rng(0)
    groups = torch.tensor(
        np.concatenate([rng.normal(at, 0.1, (20, 6)) for at in (0, 5)]), dtype=torch.float32
    )
    flat = embedded(groups, 30.0, 0)
    assert flat.shape == (40, 2)
    assert flat.min() == 0
    assert flat.max() == pytest.approx(1)
    centres = [part.mean(0) for part in (flat[:20], flat[20:])]
    within = max(
        np.linalg.norm(part - at, axis=1).max()
        for part, at in zip((flat[:20], flat[20:]), centres, strict=True)
    )
    assert np.linalg.norm(centres[0] - centres[1]) > within
    assert np.array_equal(flat, embedded(groups, 30.0, 0))


@pytest.mark.parametrize(("count", "width"), [(2, 4), (5, 1)], ids=["two points", "one coordinate"])
def test_few_points_have_a_plane_too(count: int, width: int) -> None:
    points = torch.rand((count, width), generator=torch.Generator().manual_seed(0))
    assert np.isfinite(embedded(points, 30.0, 1)).all()


def test_equal_points_have_a_plane_too() -> None:
    """A network that knows no numbers any more has zeros for features."""
    assert np.isfinite(embedded(torch.zeros(12, 4), 30.0, 0)).all()


def test_spread_is_numpys_root_of_the_summed_variances() -> None:
    points = torch.rand(50, 7)
    assert spread(points) == pytest.approx(np.sqrt(points.numpy().var(0).sum()), rel=1e-5)


PLAN = """
schemes: [{content: {keys: 10}}, {uchida: {bits: 8, start: trained, recipe: {epochs: 1}}}]
attacks: [none, prune]
seeds: [0, 1]
metrics: []
features: {images: 30, triggers: 6, attacked: %s}
"""


@pytest.mark.parametrize(("attacked", "seen"), [("false", 2), ("true", 4)])
def test_a_run_shows_each_network_of_the_first_seed_once(workshop: Any, attacked: str, seen: int) -> None:
    finished = workshop.run(PLAN % attacked)
    assert workshop.progress.counts["features"] == seen
    found = {
        record["cell"]["scheme"]["id"]: record["features"]
        for record in finished.records
        if "features" in record
    }
    assert (len(found["content"]["points"]), found["content"]["clean"]) == (36, 30)
    assert found["content"]["spread"] > 0
    assert set(found["content"]["labels"][30:]) == {0}
    assert (len(found["uchida"]["points"]), found["uchida"]["spread"]) == (30, None), "a key without triggers"
    report = write_report(workshop.folder / "tiny")
    drawn = [file.name for file in report.files if file.name.startswith("features-")]
    assert drawn == ["features-digits-convnet.png"]
    text = (workshop.folder / "tiny" / "report.md").read_text()
    assert "Hidden features" in text
    assert drawn[0] in text
    assert workshop.run(PLAN % attacked).records == finished.records
    assert not workshop.progress.stages


def test_triggers_are_at_home_among_images_of_their_label() -> None:
    clean = torch.cat([torch.zeros(20, 2), torch.full((20, 2), 5.0)]) + 0.01 * torch.arange(40)[:, None]
    labels = torch.tensor([0] * 20 + [1] * 20)
    triggers = torch.tensor([[0.1, 0.1], [5.1, 5.1], [5.2, 5.3], [0.0, 0.2]])
    assert at_home(clean, labels, triggers, torch.tensor([0, 1, 1, 0])) == 1.0
    assert at_home(clean, labels, triggers, torch.tensor([1, 1, 1, 1])) == 0.5


def test_nearness_is_in_units_of_the_clean_images() -> None:
    triggers, clean = torch.zeros(3, 2), torch.tensor([[3.0, 4.0], [0.0, 5.0]])
    assert nearness(torch.tensor([[0.0, 1.0]]), triggers, clean) == pytest.approx(0.2)
    assert nearness(clean, triggers, clean) == pytest.approx(1.0)


UNLEARNED = """
schemes: [{content: {keys: 10}}, {uchida: {bits: 8, start: trained, recipe: {epochs: 1}}}]
attacks: [{mira_data_free: {samples: 6, iterations: 2, draws: 2, treat_as: fixed}}, prune]
seeds: [0]
attacker: {data: none}
metrics: []
features: {images: 30, triggers: 6, attacked: true}
"""


def test_an_attacks_pictures_lie_among_the_images_before_and_after(workshop: Any) -> None:
    finished = workshop.run(UNLEARNED)
    seen = {(r["cell"]["scheme"]["id"], r["cell"]["attack"]["id"]): r["features"] for r in finished.records}
    own = seen["content", "mira_data_free"]
    kinds = {"watermark-like, smoothest class", "normal-like, smoothest class"}
    assert kinds < set(own["pictures"])
    assert set(own["before"]["near"]) == set(own["near"]) == set(own["pictures"])
    count = 36 + sum(own["pictures"].values())
    assert np.shape(own["points"]) == np.shape(own["before"]["points"]) == (count, 2)
    assert own["points"] != own["before"]["points"]
    assert 0 <= own["home"] <= 1
    assert seen["content", "prune"]["pictures"] == {}
    assert seen["uchida", "prune"]["home"] is None
    report = write_report(workshop.folder / "tiny")
    assert any(file.name.startswith("features-") for file in report.files)
    text = (workshop.folder / "tiny" / "report.md").read_text()
    assert text.count(", before") >= 4
    assert text.count(", after") >= 4
