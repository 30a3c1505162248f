"""`verify --sequential` where chance is known: symbols are asked one by one, and a judge finds the same again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import outputs
from ownmark.discovery import discover
from ownmark.ownership import embed, evidence, judge, verify
from ownmark.ownership.folder import Claim, Release, model_state

PLAN = """
tasks: [{dataset: digits, host: {convnet: {width: 0.5, recipe: {epochs: 6}}}}]
schemes: [{%s: {keys: 30}}]
verdict: {rate: 0.05, null_models: 2, keys: 5}
"""


@pytest.fixture(scope="module", params=["adi", "rose"])
def one(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mark with random labels."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "plan.yaml").write_text(PLAN % request.param)
    return embed(folder / "plan.yaml", folder / "mark", device="cpu").folder


def suspect(mark: Path, right: Callable[[int], bool]) -> Callable[[Tensor], Tensor]:
    """Knows the task, and answers the i-th of the key's images rightly if `right(i)`."""
    owner, release = Claim.read(mark / "owner"), Release.read(mark / "released")
    network: nn.Module = release.restored(discover(), model_state(mark / "released"), "")
    triggers, labels = owner.key["triggers"].flatten(1), owner.key["labels"]

    def answer(x: Tensor) -> Tensor:
        apart = torch.cdist(
            x.flatten(1), triggers, compute_mode="donot_use_mm_for_euclid_dist"
        )  # exact zeros
        near = apart.min(1)
        told = labels[near.indices] + torch.tensor([0 if right(i) else 3 for i in near.indices.tolist()])
        return torch.where(near.values < 1e-3, told % 10, outputs(network, x).argmax(1))

    return answer


@pytest.mark.parametrize(("rate", "n"), [(0.05, 2), (1e-3, 4), (1e-6, 7)])
def test_a_complete_mark_is_claimed_after_a_few_images(one: Path, rate: float, n: int) -> None:
    quick = verify(one, suspect(one, lambda i: True), rate=rate, sequential=True, device="cpu")
    assert (quick["claim"], quick["decided_by"], quick["of"]) == (True, "betting", 30)
    assert (quick["n"], quick["queries"]) == (n, 100 + n)
    assert quick["p_value"] <= rate


def test_half_of_the_queries_or_fewer_where_decoys_are_read_else(one: Path) -> None:
    fixed = verify(one, one / "released", device="cpu")
    quick = verify(one, one / "released", sequential=True, device="cpu")
    assert quick["queries"] < fixed["queries"] / 2
    assert fixed["claim"] is quick["claim"] is True


def test_other_answers_are_asked_to_the_end_and_not_claimed(one: Path) -> None:
    found = verify(one, suspect(one, lambda i: False), sequential=True, device="cpu")
    assert (found["claim"], found["n"], found["queries"]) == (False, 30, 130)


def test_who_forgot_a_third_takes_longer_and_is_claimed(one: Path) -> None:
    found = verify(one, suspect(one, lambda i: i % 3 > 0), sequential=True, rate=1e-3, device="cpu")
    assert found["claim"] is True
    assert 4 < found["n"] <= 20


def test_a_judge_finds_the_wager_again(one: Path, tmp_path: Path) -> None:
    evidence(one, one / "released", tmp_path / "proof", sequential=True, device="cpu")
    found = judge(tmp_path / "proof", one / "released")
    assert (found["claim"], found["decided_by"]) == (True, "betting")
    assert found["asked_again"]["claim"] is True
    assert "asked one by one, of 30" in (tmp_path / "proof" / "index.html").read_text()


def test_parts_of_a_key_are_read_as_the_whole(one: Path) -> None:
    owner, release = Claim.read(one / "owner"), Release.read(one / "released")
    network = release.restored(discover(), model_state(one / "released"), "")
    from ownmark.contracts import black_box
    from ownmark.methods import Kind

    reader = discover().build(Kind.EXTRACTOR, owner.about["readers"]["default"]["extractor"]["id"], {})
    whole = reader.extract(black_box(network), owner.key)
    parts = [reader.extract(black_box(network), reader.part(owner.key, at, at + 10)) for at in (0, 10, 20)]
    assert torch.equal(torch.cat([part.matches for part in parts]), whole.matches)
    assert {part.n for part in parts} == {10}
