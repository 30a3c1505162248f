"""Who holds which images, and images made to fit another task."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor

from ownmark.contracts import Images, Samples
from ownmark.errors import NotApplicable
from ownmark.runner.plan import Given, Split
from ownmark.runner.seeds import rng_for
from ownmark.runner.splits import Splits, adapt, amount, divide, fingerprint, granted, positions, transfer_set


def images(train: int = 100, test: int = 20, channels: int = 1) -> Images:
    """Training image i is filled with i / 1000; labels are the numbers."""

    def numbered(first: int, count: int) -> Samples:
        value = torch.arange(first, first + count)
        x = (value / 1000).reshape(-1, 1, 1, 1).expand(-1, channels, 4, 4).contiguous()
        return Samples(x, value)

    return Images(numbered(0, train), numbered(900, test), 10)


def numbers(samples: Samples) -> list[int]:
    return sorted((samples.x[:, 0, 0, 0] * 1000).round().int().tolist())


def divided(reserve: float = 0.2, seed: int = 0) -> Splits:
    return divide(images(), Split(reserve=reserve, seed=seed))


@pytest.mark.parametrize("reserve", [0.0, 0.005, 0.2, 0.5, 0.99])
def test_owner_and_pool_share_no_image_and_miss_none(reserve: float) -> None:
    parts = divided(reserve)
    assert sorted(numbers(parts.owner) + numbers(parts.pool)) == list(range(100))
    assert len(parts.pool) == round(reserve * 100)
    assert numbers(parts.test) == list(range(900, 920))
    assert torch.equal(parts.owner.labels, (parts.owner.x[:, 0, 0, 0] * 1000).round().long())


@pytest.mark.parametrize(("reserve", "unseen"), [(0.2, 0.1), (0.0, 0.5), (0.3, 0.0), (0.2, 0.001)])
def test_images_kept_for_schemes_are_nobody_elses(reserve: float, unseen: float) -> None:
    parts = divide(images(), Split(reserve=reserve, unseen=unseen))
    assert sorted(numbers(parts.owner) + numbers(parts.pool) + numbers(parts.unseen)) == list(range(100))
    assert len(parts.unseen) == (max(1, round(unseen * 100)) if unseen else 0)
    assert numbers(parts.pool) == numbers(divided(reserve).pool)  # attackers are granted the same


@pytest.mark.parametrize(("reserve", "unseen"), [(0.5, 0.5), (0.2, 0.9)])
def test_a_division_that_leaves_nothing_to_train_on_is_refused(reserve: float, unseen: float) -> None:
    with pytest.raises(ValidationError, match="leave no images to train on"):
        Split(reserve=reserve, unseen=unseen)


def test_files_say_what_is_kept_for_schemes_only_if_something_is() -> None:
    assert Split().plain() == {"reserve": 0.2, "seed": 0}
    assert Split(unseen=0.1).plain() == {"reserve": 0.2, "seed": 0, "unseen": 0.1}


def test_the_division_depends_on_its_seed_alone() -> None:
    torch.manual_seed(1)
    assert numbers(divided().pool) == numbers(divided().pool)
    assert numbers(divided(seed=1).pool) != numbers(divided().pool)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"data": "none"}, 0),
        ({"data": "all"}, 20),
        ({"data": "all", "source": "owner"}, 80),
        ({"data": 7}, 7),
        ({"data": 0.1}, 8),
        ({"data": 1.0, "source": "owner"}, 80),
        ({"data": 0.25}, 20),
    ],
)
def test_a_threat_model_grants_a_number_a_share_of_the_owners_images_or_all(
    given: Any, expected: int
) -> None:
    parts = divided()
    found = granted(parts, Given(**given), rng_for("x"))
    assert (0 if found is None else len(found)) == expected
    if found is not None:
        source = parts.owner if given.get("source") == "owner" else parts.pool
        assert set(numbers(found)) <= set(numbers(source))
        assert len(set(numbers(found))) == expected


@pytest.mark.parametrize("given", [{"data": 21}, {"data": 0.3}, {"data": 81, "source": "owner"}])
def test_more_images_than_there_are_cannot_be_granted(given: Any) -> None:
    with pytest.raises(
        NotApplicable, match=r"only 20 .* raise split\.reserve|only 80 .*; lower attacker\.data"
    ):
        granted(divided(), Given(**given), rng_for("x"))


def test_labels_come_only_if_they_are_granted() -> None:
    assert granted(divided(), Given(labels=False), rng_for("x")).y is None  # type: ignore[union-attr]
    assert granted(divided(), Given(), rng_for("x")).y is not None  # type: ignore[union-attr]


def test_fewer_images_are_part_of_more_images_of_the_same_seed() -> None:
    few, many = (granted(divided(), Given(data=count), rng_for("granted", 0)) for count in (5, 15))
    assert set(numbers(few)) < set(numbers(many))  # type: ignore[arg-type]


def test_amounts_are_rounded_to_the_nearest_image() -> None:
    assert amount(Given(data=0.0149), 100, 100) == 1


# --- adapting ---------------------------------------------------------------------------------------------------------


def picture(channels: int, size: int = 8) -> Tensor:
    return torch.rand(3, channels, size, size, generator=torch.Generator().manual_seed(0))


def test_colour_becomes_grey_by_luma() -> None:
    x = picture(3)
    expected = 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2]
    assert torch.allclose(adapt(x, (1, 8, 8))[:, 0], expected)


def test_grey_becomes_colour_by_repetition() -> None:
    assert torch.equal(adapt(picture(1), (3, 8, 8)), picture(1).repeat(1, 3, 1, 1))


def test_images_of_the_right_shape_stay_as_they_are() -> None:
    assert torch.equal(adapt(picture(3), (3, 8, 8)), picture(3))


@pytest.mark.parametrize("size", [4, 6, 16, 32])
def test_sizes_change_bicubically_within_the_range_of_pixels(size: int) -> None:
    x = (picture(1) > 0.5).float()
    found = adapt(x, (1, size, size))
    assert found.shape == (3, 1, size, size)
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert torch.equal(found, F.interpolate(x, (size, size), mode="bicubic", antialias=True).clamp(0, 1))


def test_a_transfer_set_is_unlabelled_drawn_without_repetition_and_in_the_tasks_shape() -> None:
    found = transfer_set(images(), (3, 8, 8), 30, rng_for("t"))
    assert found.y is None
    assert found.x.shape == (30, 3, 8, 8)
    assert len(set(numbers(found))) == 30


def test_a_transfer_set_cannot_be_larger_than_its_dataset() -> None:
    with pytest.raises(
        NotApplicable, match=r"attacker\.transfer is 101, the transfer dataset has 100 images"
    ):
        transfer_set(images(), (1, 4, 4), 101, rng_for("t"))


# --- seeds ------------------------------------------------------------------------------------------------------------


def test_draws_follow_from_the_purpose_alone() -> None:
    first, again, other = (torch.rand(2, generator=rng_for("attack", n)) for n in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_purposes_do_not_run_into_each_other() -> None:
    seeds = {
        rng_for(*purpose).initial_seed()
        for purpose in [("a", "b"), ("ab",), ("a", "", "b"), ("a", 0), ("a", 1)]
    }
    assert len(seeds) == 5


def test_positions_are_those_of_the_images_that_are_handed_over() -> None:
    splits = divided()
    for given in (Given(data=7), Given(data=5, source="owner")):
        source = splits.owner if given.source == "owner" else splits.pool
        index = positions(splits, given, rng_for("granted", 3))
        handed = granted(splits, given, rng_for("granted", 3))
        assert handed is not None
        assert torch.equal(handed.x, source.select(index).x)
    assert len(positions(splits, Given(data="none"), rng_for("granted", 3))) == 0


def test_fingerprints_tell_sets_of_positions_apart_and_no_orders() -> None:
    assert fingerprint(torch.tensor([3, 1, 12])) == fingerprint(torch.tensor([12, 3, 1]))
    prints = {fingerprint(torch.tensor(held)) for held in ([1, 2], [12], [1, 3], [2, 1, 3])}
    assert len(prints) == 4
    assert fingerprint(torch.tensor([2, 1])) == hashlib.sha256(b"1,2").hexdigest()
