"""Keys that are born in embedding and keep decoys: whoever is robust to all such keys is nobody's copy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ownmark.contracts import outputs
from ownmark.discovery import discover
from ownmark.errors import UntrustedFile
from ownmark.ownership import embed, evidence, judge, verify
from ownmark.ownership.folder import Claim, Release, model_state
from ownmark.ownership.sums import write_sums

PLAN = """
tasks: [{dataset: digits, host: {convnet: {width: 0.5, recipe: {epochs: 6}}}}]
schemes: [{frontier_stitching: {keys: 80, recipe: {epochs: 5}}}]
verdict: {rate: 0.05, null_models: 2, tests: decoys}
"""


@pytest.fixture(scope="module")
def mark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stitched")
    (folder / "plan.yaml").write_text(PLAN)
    return embed(folder / "plan.yaml", folder / "mark", device="cpu").folder


def robust(mark: Path, to_own: float, to_spare: float) -> Callable[[Tensor], Tensor]:
    """Knows the task, and such shares of the key's and of the spare adversaries."""
    owner, release = Claim.read(mark / "owner"), Release.read(mark / "released")
    network = release.restored(discover(), model_state(mark / "released"), "")
    key, knows = owner.key, torch.Generator().manual_seed(0)
    images = torch.cat([key["triggers"], key["spare"]]).flatten(1)
    labels = torch.cat([key["labels"], key["spare_labels"]])
    own = torch.arange(len(images)) < len(key["labels"])
    known = torch.rand(len(images), generator=knows) < torch.where(own, to_own, to_spare)

    def answer(x: Tensor) -> Tensor:
        apart = torch.cdist(x.flatten(1), images, compute_mode="donot_use_mm_for_euclid_dist")  # exact zeros
        near = apart.min(1)
        told = (labels[near.indices] + (~known[near.indices]).long()) % 10
        return torch.where(near.values < 1e-3, told, outputs(network, x).argmax(1))

    return answer


def test_the_marked_network_is_claimed_against_decoys_from_its_key(mark: Path) -> None:
    found = verify(mark, mark / "released", device="cpu")
    assert (found["claim"], found["decided_by"], found["basis"]) == (True, "decoys", "decoys")
    assert found["decoys"]["n"] == 99
    assert found["p_value"] == found["p_decoys"] <= 0.05
    assert found["no_decoys"] == ""


@pytest.mark.parametrize("share", [1.0, 0.97])
def test_who_knows_all_adversaries_alike_is_not_claimed(mark: Path, share: float) -> None:
    found = verify(mark, robust(mark, share, share), device="cpu")
    assert found["hits"] >= 0.9 * found["n"]
    assert found["claim"] is False
    assert "fresh keys match as much" in found["reason"]


@pytest.mark.parametrize("spare", [0.3, 0.8])
def test_who_knows_the_keys_better_is_claimed_and_asked_little(mark: Path, spare: float) -> None:
    suspect = robust(mark, 1.0, spare)
    fixed = verify(mark, suspect, device="cpu")
    quick = verify(mark, suspect, sequential=True, device="cpu")
    assert fixed["claim"] is quick["claim"] is True
    assert quick["queries"] < fixed["queries"] / 4


@pytest.mark.parametrize("sequential", [False, True])
def test_a_judge_draws_the_decoys_again(mark: Path, tmp_path: Path, sequential: bool) -> None:
    evidence(mark, mark / "released", tmp_path / "proof", sequential=sequential, device="cpu")
    found = judge(tmp_path / "proof")
    assert (found["claim"], found["decided_by"]) == (True, "decoys")


def test_a_judge_says_when_the_rate_rests_on_what_the_owner_says_of_null_models(
    mark: Path, tmp_path: Path
) -> None:
    evidence(mark, mark / "released", tmp_path / "by decoys", device="cpu")
    about = json.loads((mark / "owner" / "claim.json").read_text())
    about["readers"]["default"] |= {"tests": "nulls"}
    alone = Path(shutil.copytree(mark, tmp_path / "alone"))
    (alone / "owner" / "claim.json").write_text(json.dumps(about))
    evidence(alone, mark / "released", tmp_path / "by nulls", device="cpu")
    words = "what these showed is the owner's word"
    assert not any(words in line for line in judge(tmp_path / "by decoys")["agrees"])
    assert any(words in line for line in judge(tmp_path / "by nulls")["agrees"])


def test_evidence_of_an_earlier_versions_two_looks_is_judged_as_it_was(mark: Path, tmp_path: Path) -> None:
    folder = tmp_path / "proof"
    evidence(mark, mark / "released", folder, sequential=True, former=True, device="cpu")
    found = judge(folder, mark / "released")
    assert (found["claim"], found["decoys"]["looks"]) == (True, 2)
    assert found["asked_again"]["decoys"]["looks"] == 1

    told = json.loads((folder / "verdict.json").read_text())
    told["decoys"]["looks"] = 1
    (folder / "verdict.json").write_text(json.dumps(told))
    write_sums(folder)
    with pytest.raises(UntrustedFile):
        judge(folder)


def test_marks_of_earlier_versions_say_for_whom_their_rate_holds(mark: Path) -> None:
    path = mark / "owner" / "claim.json"
    before = path.read_text()
    about = json.loads(before)
    about["readers"]["default"]["found"] = None
    try:
        path.write_text(json.dumps(about))
        found = verify(mark, mark / "released", device="cpu")
    finally:
        path.write_text(before)
    assert found["decoys"] is None
    assert "for others none can be had" in found["no_decoys"]
