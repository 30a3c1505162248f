"""The clean images a black box is asked first: balanced, fresh where that will do, and able to tell."""

import pytest
import torch

from ownmark.contracts import BlackBox, Samples
from ownmark.runner.controls import asked, draw_controls


def samples(counts: list[int], start: float = 0.0) -> Samples:
    y = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    return Samples(start + torch.arange(len(y)).float()[:, None, None, None] / 10_000, y)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(
    ("fresh", "known", "each"),
    [
        ([500] * 10, [500] * 10, [10] * 10),
        ([600, 18], [2000, 50], [50, 50]),
        ([600, 5], [2000, 9], [14, 14]),
        ([900, 40, 3], [900, 40, 0], [34, 34, 3]),
    ],
)
def test_one_label_for_all_fares_as_badly_as_it_can(
    fresh: list[int], known: list[int], each: list[int]
) -> None:
    found = draw_controls(samples(fresh), samples(known, 0.5), len(fresh), rng())
    counts = found.labels.bincount(minlength=len(fresh)).tolist()
    assert counts[1:] == each[1:]
    assert counts[0] <= 100
    assert asked(BlackBox(lambda x: torch.zeros(len(x))), found, None).powerful


def test_the_owners_images_only_fill_up() -> None:
    found = draw_controls(samples([600, 18]), samples([2000, 50], 0.5), 2, rng())
    own = found.x[:, 0, 0, 0] >= 0.5
    assert (int(own.sum()), int((own & (found.labels == 0)).sum())) == (32, 0)


def test_more_classes_than_controls_leave_a_hundred() -> None:
    assert len(draw_controls(samples([3] * 300), samples([3] * 300), 300, rng())) == 100


@pytest.mark.parametrize("counts", [[100, 0], [500, 1]])
def test_images_of_one_class_cannot_tell(counts: list[int]) -> None:
    found = draw_controls(samples(counts), samples([300, 0]), 2, rng())
    assert not asked(BlackBox(lambda x: torch.zeros(len(x))), found, None).powerful


def test_the_same_randomness_gives_the_same_images() -> None:
    one, two = (draw_controls(samples([90] * 10), samples([90] * 10), 10, rng()) for _ in range(2))
    assert torch.equal(one.x, two.x)
