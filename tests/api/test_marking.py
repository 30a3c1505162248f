"""Marks on live objects: from a trained model to a verdict in another process."""

from __future__ import annotations

import copy
import html
import json
import stat
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ownmark
from ownmark.api.lending import freshened, lend
from ownmark.contracts import Samples
from ownmark.contracts.weights import read_tensors
from ownmark.discovery import discover
from ownmark.errors import DataError, NotApplicable, OwnmarkError, PlanError, UntrustedFile
from ownmark.methods import Kind
from ownmark.ownership.folder import IMAGES, write_images
from ownmark.ownership.folder import images as images_module
from ownmark.ownership.folder.images import read_images


def test_the_marked_copy_is_of_the_owners_class_under_its_names(marked: Any, model: nn.Module) -> None:
    assert type(marked.released) is type(model)
    assert list(marked.released.state_dict()) == list(model.state_dict())
    assert not torch.equal(marked.released.conv.weight, model.conv.weight)
    assert marked.utility["host"] - marked.utility["marked"] <= 0.05
    assert model.training


def test_it_is_claimed_as_module_function_and_file_and_the_original_is_not(
    marked: Any, model: nn.Module, tmp_path: Path
) -> None:
    torch.save(marked.released.state_dict(), tmp_path / "released.pt")
    suspects = [
        marked.released.train(),
        marked.released.eval(),
        tmp_path / "released.pt",
        marked.released.half(),
    ]
    marked.released.float().eval()
    for suspect in suspects:
        record = marked.verify(suspect)
        assert record.claim is True, str(record)
        assert record["hits"] >= 19
    assert marked.verify(model).claim is False
    assert "CLAIM" in str(marked.verify(tmp_path / "released.pt"))
    (row,) = record.table()
    assert (row["claim"], row["n"], row["hits"]) == (True, 20, record["hits"])
    (axes,) = record.plot().axes
    assert [bar.get_width() for bar in axes.patches] == [record["hits"] / 20]
    assert repr(record) == str(record)
    assert record.plot()._repr_png_().startswith(b"\x89PNG")


def test_what_is_given_away_tells_nothing(marked: Any) -> None:
    folder = marked.folder / "released"
    for path in folder.iterdir():
        content = path.read_bytes()
        if path.suffix == ".safetensors":  # its header: four bytes of a weight may well spell a word
            content = content[: 8 + int.from_bytes(content[:8], "little")]
        for word in (b"adi", b"ownmark claim", b"recipe", b"epochs", str(marked.folder.parent).encode()):
            assert word not in content, (path.name, word)
    assert b"ownmark" not in (folder / "model.safetensors").read_bytes()[:4096]
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o044 for path in folder.iterdir())


def test_a_saved_mark_is_loaded_with_the_class_and_verifies(marked: Any, tmp_path: Path) -> None:
    folder = marked.save(tmp_path / "mark")
    torch.save({"state_dict": marked.released.state_dict()}, tmp_path / "suspect.ckpt")
    fresh = copy.deepcopy(marked.released)
    again = ownmark.load(folder, network=lambda: copy.deepcopy(fresh))
    assert again.verify(tmp_path / "suspect.ckpt").claim is True
    assert ownmark.verify(folder, tmp_path / "suspect.ckpt", network=fresh).claim is True
    with pytest.raises(OwnmarkError, match="exists"):
        marked.save(folder)
    with pytest.raises(OwnmarkError, match=r"network: .*lambda"):
        ownmark.load(folder, network=nn.Linear)
    assert "_repr_html_" in dir(again)


def test_a_later_process_draws_the_fresh_keys_that_the_first_one_drew(
    marked: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, suspect = marked.save(tmp_path / "mark"), copy.deepcopy(marked.released)
    here = marked.verify(suspect)
    monkeypatch.setattr("ownmark.api.held._HELD", {})
    then = ownmark.load(folder, network=suspect).verify(suspect)
    assert here["decoys"]["n"] == 99
    assert (then["decoys"], then["no_decoys"], then["queries"]) == (here["decoys"], "", here["queries"])
    assert stat.S_IMODE((folder / "owner" / "images.safetensors").stat().st_mode) == 0o600
    again = ownmark.load(folder, network=suspect).save(tmp_path / "again")
    assert (again / "owner" / "images.safetensors").read_bytes() == (
        folder / "owner" / "images.safetensors"
    ).read_bytes()


def test_a_mark_without_images_takes_those_of_the_first_process_and_no_others(
    marked: Any, data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, suspect = marked.save(tmp_path / "mark", images=False), copy.deepcopy(marked.released)
    assert not (folder / "owner" / "images.safetensors").exists()
    monkeypatch.setattr("ownmark.api.held._HELD", {})
    alone = ownmark.load(folder, network=suspect).verify(suspect)
    assert (alone.claim, alone["decoys"]) == (True, None)
    assert "ownmark.load(MARK, data=...)" in alone["no_decoys"]
    for others in ({"data": data[0]}, {"data": data[1], "test": data[0]}):
        with pytest.raises(DataError, match="not the images that the mark was made from"):
            ownmark.load(folder, network=suspect, **others)
    given = ownmark.load(folder, network=suspect, data=data[0], test=data[1])
    assert given.verify(suspect)["decoys"]["n"] == 99
    assert (given.save(tmp_path / "kept") / "owner" / "images.safetensors").exists()


@pytest.mark.parametrize("change", ["other images", "no file", "other sum"])
def test_images_that_are_not_those_that_were_saved_draw_no_keys(
    change: str, marked: Any, tmp_path: Path
) -> None:
    folder, suspect = marked.save(tmp_path / "mark"), copy.deepcopy(marked.released)
    owner = folder / "owner"
    about = json.loads((owner / "claim.json").read_text())
    if change == "other images":
        images = Samples(torch.rand(9, 1, 8, 8), torch.zeros(9, dtype=torch.long))
        write_images(owner, images)
    elif change == "no file":
        (owner / IMAGES).unlink()
    else:
        (owner / "claim.json").write_text(json.dumps(about | {"images": "0" * 64}))
    found = ownmark.load(folder, network=suspect, trust=True).verify(suspect)
    assert found["decoys"] is None
    assert "images.safetensors" in found["no_decoys"]


@pytest.mark.parametrize(
    ("images", "kept"),
    [
        (torch.arange(256).reshape(4, 1, 8, 8) / 255, torch.uint8),
        (torch.arange(256).repeat(5).reshape(20, 1, 8, 8) / 255, torch.uint8),
        (torch.arange(17).repeat(16)[:256].reshape(4, 1, 8, 8) / 16, torch.float32),
        (torch.arange(256, dtype=torch.uint8).reshape(4, 1, 8, 8), torch.uint8),
    ],
    ids=["levels", "many levels", "sixteenths", "bytes"],
)
def test_kept_images_come_back_to_the_bit(
    images: Tensor, kept: torch.dtype, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images_module, "_PART", 16)
    samples = Samples(images, torch.arange(len(images)) % 4)
    known = write_images(tmp_path, samples)
    back = read_images(tmp_path, known, (1, 8, 8), 4)
    assert torch.equal(back.x, samples.x)
    assert torch.equal(back.labels, samples.labels)
    assert read_tensors(tmp_path / IMAGES)[0]["x"].dtype is kept
    for shape, classes in (((1, 8, 9), 4), ((1, 8, 8), 3)):
        with pytest.raises(UntrustedFile, match=r"not those of the task"):
            read_images(tmp_path, known, shape, classes)


def test_results_show_what_they_say(marked: Any, data: Any) -> None:
    left = ownmark.attack(marked.released, {"prune": {"sparsity": 0.2}}, data[1], device="cpu")
    for result in (marked, left):
        assert repr(result) == str(result)
        assert "accuracy" in repr(result)
        assert str(result) in html.unescape(result._repr_html_())


GONE = {
    "data": lambda: (
        discover().build(Kind.DATASET, "function", {"target": "ownmark.api.held:d_0123abcd"}).load()
    ),
    "network": lambda: (
        discover().build(Kind.HOST, "module", {"target": "ownmark.api.held:m_0123abcd"}).build((1, 8, 8), 2)
    ),
}


@pytest.mark.parametrize("argument", GONE)
def test_objects_of_another_process_are_asked_for_by_their_argument(argument: str) -> None:
    with pytest.raises(OwnmarkError, match=rf"ended; `ownmark\.load\(MARK, {argument}=...\)`"):
        GONE[argument]()


def test_no_null_model_is_trained_where_chance_is_known(marked: Any) -> None:
    about = json.loads((marked.folder / "owner" / "claim.json").read_text())
    assert about["readers"]["default"]["null_hits"] == []
    assert about["split"]["reserve"] == 0


@pytest.mark.parametrize(
    ("given", "trains"),
    [
        (None, {"epochs": 10, "optimizer": "adam", "lr": 1e-3, "weight_decay": 0.0}),
        ({"epochs": 3}, {"epochs": 3, "optimizer": "adam", "lr": 1e-3, "weight_decay": 0.0}),
        ({"lr": 0.05}, {"epochs": 10, "lr": 0.05}),
        ({"optimizer": "sgd", "epochs": 2}, {"epochs": 2, "optimizer": "sgd"}),
    ],
    ids=["nothing", "epochs", "rate", "optimiser"],
)
def test_a_recipe_is_adams_unless_it_names_a_rate_or_an_optimiser(
    given: Any, trains: dict[str, Any], model: nn.Module, data: Any, tmp_path: Path
) -> None:
    lent = lend(model, data[0], tmp_path, test=data[1], recipe=given)
    assert lent.host["module"]["recipe"] == trains


def test_one_reader_may_stand_alone(model: nn.Module, data: Any) -> None:
    with pytest.raises(PlanError, match="no pack has an extractor 'alin'; did you mean 'align'"):
        ownmark.mark(model, data[0], test=data[1], readers="alin", nulls=1, device="cpu")


def test_a_model_that_takes_normalised_images(data: Any, normalised: nn.Module) -> None:
    (x, y), (x_test, y_test) = data
    net = normalised
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset((x - 0.3) / 0.2, y), batch_size=50)
    mark = ownmark.mark(
        net, loader, {"adi": {"keys": 20, "recipe": {"epochs": 12}}}, test=((x_test - 0.3) / 0.2, y_test), mean=(0.3,),
        std=(0.2,), max_loss=0.1, device="cpu",
    )  # fmt: skip
    net.load_state_dict(mark.released.state_dict())
    assert mark.verify(net).claim is True


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"data": lambda x, y: ((x - 0.3) / 0.2, y)}, DataError, r"mean=.*std="),
        ({"data": lambda x, y: (x, y[:-1])}, DataError, "as many labels"),
        ({"data": lambda x, y: 7}, DataError, "DataLoader"),
        (
            {"data": lambda x, y: (x, y + 1)},
            DataError,
            "labels up to 2, and the model answers with 2 scores",
        ),
        ({"scheme": "adii"}, OwnmarkError, "did you mean"),
        ({"scheme": {"adi": {"keys": 0}}}, PlanError, "keys"),
        ({"scheme": ["adi", "uchida"]}, OwnmarkError, "expected one"),
        ({"model": nn.Linear(3, 2)}, OwnmarkError, "images"),
        ({"model": "model.pt"}, OwnmarkError, r"torch\.nn\.Module"),
    ],
    ids=[
        "normalised",
        "labels",
        "no data",
        "too few scores",
        "no scheme",
        "parameter",
        "schemes",
        "another model",
        "no model",
    ],
)
def test_what_cannot_be_marked_is_one_sentence(
    change: dict[str, Any], error: type[Exception], says: str, model: nn.Module, data: Any
) -> None:
    given = change["data"](*data[0]) if "data" in change else data[0]
    with pytest.raises(error, match=says):
        ownmark.mark(
            change.get("model", model), given, change.get("scheme", "adi"), test=data[1], device="cpu"
        )


def test_a_mark_that_costs_too_much_is_not_released(model: nn.Module, data: Any) -> None:
    wrong = {"adi": {"keys": 20, "recipe": {"epochs": 12, "lr": 1.0}}}
    with pytest.raises(NotApplicable):
        ownmark.mark(model, data[0], wrong, test=data[1], max_loss=-1.0, device="cpu")


class Positions(nn.Module):
    """A parameter of its own, which no layer draws."""

    def __init__(self) -> None:
        super().__init__()
        self.place, self.layer = nn.Parameter(torch.arange(50.0)), nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


@pytest.mark.parametrize("make", [Positions, lambda: nn.TransformerEncoderLayer(8, 2, 16)])
def test_a_fresh_network_keeps_no_weights(make: Any) -> None:
    net = make()
    fresh = freshened(net)
    for name, tensor in net.named_parameters():
        if tensor.numel() > 1 and tensor.std() > 0:
            assert not torch.equal(tensor, fresh.get_parameter(name)), name


@pytest.mark.slow
def test_a_study_on_live_objects(model: nn.Module, data: Any, tmp_path: Path) -> None:
    scheme = {"adi": {"keys": 20, "recipe": {"epochs": 12}}}
    done = ownmark.study(
        model, data[0], [scheme], ["none", "prune"], test=data[1], nulls=1, recipe={"epochs": 1},
        out=tmp_path / "run", store=tmp_path / "store", device="cpu",
    )  # fmt: skip
    rows = done.table()
    assert [row["attack"] for row in rows] == ["none", "prune"]
    assert rows[0]["matches"] > 0.9
    assert str(tmp_path) not in repr(done)
    assert "<table>" in done._repr_html_()
    assert done.plot().axes


@pytest.mark.parametrize(
    ("schemes", "attacks", "says"), [("adii", "none", "'adii'"), ("adi", "prun", "'prun'")]
)
def test_a_study_takes_one_name_for_a_list(
    schemes: str, attacks: str, says: str, model: nn.Module, data: Any, tmp_path: Path
) -> None:
    with pytest.raises(OwnmarkError, match=says):
        ownmark.study(model, data[0], schemes, attacks, test=data[1], out=tmp_path / "run", device="cpu")


def test_an_attack_on_a_live_model_leaves_it_as_it_was(model: nn.Module, data: Any) -> None:
    left = ownmark.attack(model, {"prune": {"sparsity": 0.5}}, data[0], test=data[1], device="cpu")
    assert type(left.network) is type(model)
    assert float((left.network.head.weight == 0).float().mean()) > 0.3
    assert left.accuracy["before"] > 0.9
