"""Classes under other numbers, and images that were prepared otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import outputs
from ownmark.ownership import verify
from ownmark.ownership.folder import Claim
from ownmark.ownership.relabel import SAME, order_between

ORDERS = {
    "reversed": torch.arange(9, -1, -1),
    "two exchanged": torch.tensor([1, 0, 2, 3, 4, 5, 6, 7, 8, 9]),
    "cyclic": (torch.arange(10) + 3) % 10,
}


@pytest.mark.parametrize("form", ["labels", "scores"])
@pytest.mark.parametrize("order", ORDERS)
def test_exchanged_classes_are_found_and_undone(
    order: str, form: str, mark: Path, network: nn.Module
) -> None:
    turned = ORDERS[order]

    def answer(x: Tensor) -> Any:
        scores = outputs(network, x).softmax(1)
        return turned[scores.argmax(1)] if form == "labels" else scores[:, turned.argsort()]

    record, plain = (
        verify(mark, answer, device="cpu"),
        verify(mark, lambda x: outputs(network, x), device="cpu"),
    )
    assert record["claim"] is True
    assert record["hits"] == plain["hits"]
    assert record["controls"]["right"] == plain["controls"]["right"]
    if "order" in record["controls"]:  # two of ten exchanged may pass as they are
        assert torch.equal(torch.tensor(record["controls"]["order"])[turned], torch.arange(10))


WRONG = {
    "normalised": lambda x: (x - 0.5) / 0.05,
    "inverted": lambda x: 1 - x,
    "shuffled pixels": lambda x: x.flatten(2)[
        ..., torch.randperm(64, generator=torch.Generator().manual_seed(0))
    ].reshape(x.shape),
}


@pytest.mark.parametrize("way", WRONG)
def test_images_that_the_suspect_wants_otherwise_make_it_undecided(
    way: str, mark: Path, network: nn.Module
) -> None:
    def answer(x: Tensor) -> Tensor:
        return outputs(network, WRONG[way](x))

    record = verify(mark, answer, device="cpu")
    assert record["controls"]["knows"] is False
    scores = answer(Claim.read(mark / "owner").controls.x)
    constant = bool((scores - scores[:1]).abs().max() <= SAME)
    assert record["claim"] is (False if constant else None)
    assert record["queries"] == record["controls"]["n"]


def test_an_order_is_fitted_to_what_is_told_and_no_further() -> None:
    heard, labels = torch.tensor([2, 2, 0, 1]), torch.tensor([0, 0, 1, 2])
    assert order_between(heard, labels, 4).tolist() == [1, 2, 0, 3]


def test_random_answers_are_no_order(mark: Path) -> None:
    rng = torch.Generator().manual_seed(1)
    for _ in range(50):
        record = verify(mark, lambda x: torch.randint(10, (len(x),), generator=rng), device="cpu")
        assert record["claim"] is None
        assert "order" not in record["controls"]
