"""Readers that join a mark later, clean images of the owner's choice, and claims that few null models cannot carry."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file
from torch import nn

from ownmark.cli import main
from ownmark.contracts.samples import Samples
from ownmark.discovery import discover
from ownmark.errors import DataError, NotApplicable, OwnmarkError
from ownmark.methods import Kind
from ownmark.ownership import add_reader, adding, embed, verify
from ownmark.ownership.embedding import _left_out
from ownmark.ownership.folder import Claim, Release, model_state
from ownmark.ownership.judging import beyond

SCALED = "{align: {extractor: uchida}}"


def network_of(mark: Path) -> nn.Module:
    return Release.read(mark / "released").restored(discover(), model_state(mark / "released"), "")


def innocents(mark: Path, folder: Path, count: int) -> list[Path]:
    """Files of networks of the same structure, freshly drawn."""
    files = []
    for seed in range(count):
        network = network_of(mark)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for module in network.modules():
                if hasattr(module, "reset_parameters"):
                    module.reset_parameters()
        files.append(folder / f"null-{seed}.safetensors")
        save_file(network.state_dict(), files[-1])
    return files


def shuffled(mark: Path) -> nn.Module:
    """What a thief serves whose `unified` has shuffled, scaled and turned the neurons."""
    from ownmark.contracts.views import Stolen
    from ownmark.loops import Fitter

    thief = discover().build(Kind.ATTACK, "unified", {})
    release = Release.read(mark / "released").structure
    loot = Stolen(network_of(mark), release.shape, release.classes, None, None)
    rng = torch.Generator().manual_seed(1)
    network: nn.Module = thief.attack(loot, Fitter(torch.device("cpu"), rng), rng).network
    return network


@pytest.fixture
def owned(bits: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bits, tmp_path / "mark"))


def test_align_joins_a_mark_after_its_neurons_were_shuffled(owned: Path, tmp_path: Path) -> None:
    thief = shuffled(owned)
    assert verify(owned, thief, device="cpu")["claim"] is False
    with pytest.raises(OwnmarkError, match="no reader 'align'"):
        verify(owned, thief, reader="align", device="cpu")
    add_reader(owned, "align", nulls=innocents(owned, tmp_path, 19), device="cpu")
    record = verify(owned, thief, reader="align", device="cpu")
    assert (record["claim"], record["hits"]) == (True, 32)
    assert record["p_value"] <= record["stated_rate"]
    assert verify(owned, owned / "released", device="cpu")["claim"] is True
    innocent = innocents(owned, tmp_path, 20)[-1]
    assert verify(owned, innocent, reader="align", device="cpu")["claim"] is False


@pytest.mark.parametrize(
    ("used", "controls", "says"),
    [
        (12, {"n": 100}, "7 more do not know the task"),
        (18, {"n": 100}, "1 more"),
        (19, {"n": 100}, ""),
        (12, None, ""),
    ],
)
def test_null_models_that_were_left_out_are_told(used: int, controls: Any, says: str) -> None:
    told = _left_out({"null_models": used, "controls": controls}, 19)
    assert says in told
    assert bool(told) is bool(says)


@pytest.mark.parametrize("count", [0, 1, 8, 18])
def test_a_reader_that_few_null_models_cannot_carry_is_not_added(
    count: int, owned: Path, tmp_path: Path
) -> None:
    before = (owned / "owner" / "claim.json").read_bytes()
    with pytest.raises(NotApplicable, match="19"):
        add_reader(owned, "align", nulls=innocents(owned, tmp_path, count), device="cpu")
    assert (owned / "owner" / "claim.json").read_bytes() == before


def test_copies_of_one_network_are_no_null_models(owned: Path, tmp_path: Path) -> None:
    file = innocents(owned, tmp_path, 1)[0]
    with pytest.raises(NotApplicable, match="same weights"):
        add_reader(owned, "align", nulls=[file] * 19, device="cpu")


def test_null_models_are_trained_by_the_marks_recipe(
    owned: Path, alone_until_gone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "alone", alone_until_gone)
    kept = add_reader(owned, "align", nulls=2, rate=0.34, device="cpu")
    assert (len(kept["null_hits"]), kept["own_copy"], kept["rate"]) == (2, True, 0.34)
    assert not list(owned.parent.glob("*.nulls"))
    assert verify(owned, owned / "released", reader="align", device="cpu")["claim"] is True


@pytest.mark.parametrize(
    ("reader", "says"),
    [
        ("default", "no pack has an extractor"),
        ("uchida", ""),
        ("triggers", "does not read the key of uchida"),
    ],
)
def test_what_reads_nothing_is_not_added(reader: str, says: str, owned: Path) -> None:
    if reader == "uchida":  # needs no null models: chance is known
        assert add_reader(owned, reader, device="cpu")["chance"] == 0.5
        with pytest.raises(OwnmarkError, match="already"):
            add_reader(owned, reader, device="cpu")
        return
    with pytest.raises(OwnmarkError, match=says):
        add_reader(owned, reader, device="cpu")


def test_align_does_not_read_a_mark_that_is_read_from_answers(mark: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(mark, tmp_path / "mark"))
    with pytest.raises(NotApplicable, match="read from answers"):
        add_reader(copied, "align", nulls=1, device="cpu")


def test_the_command_adds_a_reader(owned: Path, tmp_path: Path) -> None:
    files = [f"--null-weights={file}" for file in innocents(owned, tmp_path, 19)]
    said = CliRunner().invoke(main, ["add-reader", str(owned), "align", *files, "--device", "cpu"])
    assert said.exit_code == 0, said.output
    assert "19 null models" in said.output
    said = CliRunner().invoke(main, ["verify", str(owned), str(owned / "released"), "--reader", "align"])
    assert said.exit_code == 0, said.output


@pytest.mark.parametrize(("p", "open_"), [(0.5, True), (0.0501, True), (0.05, False), (0.001, False)])
def test_no_claim_stands_with_a_p_value_above_its_rate(p: float, open_: bool) -> None:
    said = {"claim": True, "p_value": p, "stated_rate": 0.05, "null_models": 1}
    assert (beyond(said).get("claim", True) is None) is open_
    assert beyond(said | {"claim": False}) == {}


def test_a_mark_that_only_few_null_models_speak_for_is_not_embedded(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "tasks: [{dataset: digits, host: {convnet: {recipe: {epochs: 2}}}}]\n"
        "schemes: [{uchida: {bits: 16, strength: 5.0}}]\nextractors: [align]\nverdict: {null_models: 1}\n"
    )
    with pytest.raises(NotApplicable, match="19"):
        embed(plan, tmp_path / "mark", device="cpu")
    assert not (tmp_path / "mark").exists()


# --- clean images of the owner's choice ------------------------------------------------------------------------------


def public() -> Samples:
    """Digits with a pixel more of ink here and there: no image of the owner's."""
    found = discover().build(Kind.DATASET, "digits", None).load().train
    rng = torch.Generator().manual_seed(0)
    return Samples((found.x + 0.05 * torch.rand(found.x.shape, generator=rng)).clamp(0, 1), found.labels)


PLAN = """
tasks: [{dataset: digits, host: {convnet: {recipe: {epochs: 4}}}}]
schemes: [{adi: {keys: 12, start: trained, recipe: {epochs: 10}}}]
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("controls") / "plan.yaml"
    path.write_text(PLAN)
    return path


def test_a_service_sees_the_clean_images_that_the_owner_chose(plan: Path, tmp_path: Path) -> None:
    given = public()
    mark = embed(plan, tmp_path / "mark", controls=given, max_loss=0.1, device="cpu").folder
    owner = Claim.read(mark / "owner")
    theirs = {image.numpy().tobytes() for image in given.x}
    assert 50 < len(owner.controls) <= 100
    assert all(image.numpy().tobytes() in theirs for image in owner.controls.x)
    asked: list[torch.Tensor] = []
    network = network_of(mark)

    def service(x: torch.Tensor) -> torch.Tensor:
        asked.append(x)
        return network(x).softmax(1).detach()

    assert verify(mark, service, device="cpu")["claim"] is True
    own = {image.numpy().tobytes() for part in _parts() for image in part.x}
    assert not any(image.numpy().tobytes() in own for batch in asked for image in batch)


def _parts() -> list[Samples]:
    images = discover().build(Kind.DATASET, "digits", None).load()
    return [images.train, images.test]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda s: Samples(torch.rand(60, 1, 8, 8), torch.arange(60) % 10), NotApplicable),
        (lambda s: Samples(s.x, (s.labels + 1) % 10), NotApplicable),
        (lambda s: Samples(s.x[:, :, :6], s.labels), DataError),
        (lambda s: Samples(s.x, s.labels + 5), DataError),
    ],
    ids=["noise", "other labels", "another size", "more classes"],
)
def test_clean_images_that_the_network_does_not_know_are_refused(
    change: Any, error: type[Exception], plan: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match="controls"):
        embed(plan, tmp_path / "mark", controls=change(public()), max_loss=0.1, device="cpu")
    assert not (tmp_path / "mark").exists()


def test_the_command_takes_a_dataset_of_clean_images(plan: Path, tmp_path: Path) -> None:
    import numpy as np

    given = public()
    x, y = (given.x[:, 0] * 255).byte().numpy(), given.labels.numpy()
    np.savez(tmp_path / "public.npz", x_train=x, y_train=y, x_test=x[:50], y_test=y[:50])
    said = CliRunner().invoke(
        main, ["embed", str(plan), "--into", str(tmp_path / "mark"), "--device", "cpu", "--max-loss", "0.1",
               "--controls", f"npz: {{path: {tmp_path / 'public.npz'}}}"],
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    about = json.loads((tmp_path / "mark" / "owner" / "claim.json").read_text())
    assert about["readers"]["default"]["knows"] > 80
    assert copy.copy(about["split"]["reserve"]) == 0
