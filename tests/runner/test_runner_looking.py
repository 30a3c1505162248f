"""What is odd about data is noted, also in the report; what cannot be right is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.runner.conftest import Remembering

from ownmark.contracts import Samples
from ownmark.contracts.dataset import Images
from ownmark.errors import DataError, PlanError
from ownmark.report import write_report
from ownmark.runner import run
from ownmark.runner.looking import looked_at


def drawn(count: int, seed: int, shape: tuple[int, ...] = (1, 4, 4)) -> torch.Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed))


def images(train: torch.Tensor | None = None, test: torch.Tensor | None = None, classes: int = 3) -> Images:
    train = drawn(30, 0) if train is None else train
    test = drawn(9, 1) if test is None else test
    y = [torch.arange(len(x)) % 3 for x in (train, test)]
    return Images(Samples(train, y[0]), Samples(test, y[1]), classes)


def changed(x: torch.Tensor, place: Any, value: float) -> torch.Tensor:
    x = x.clone()
    x[place] = value
    return x


def test_sound_data_have_no_notes() -> None:
    assert looked_at(images(), "mine").notes == ()
    assert looked_at(images(drawn(20, 0, (3, 5, 7)), drawn(5, 1, (3, 5, 7))), "mine").notes == ()


ODD = {
    "all of the test set": (images(test=drawn(30, 0)[:9]), "9 of 9 test images are training images too"),
    "two of the test set": (
        images(test=torch.cat([drawn(7, 1), drawn(30, 0)[[3, 20]]])), "2 of 9 test images are training images too",
    ),
    "constant training images": (
        images(changed(drawn(30, 0), slice(3), 0.5)), "3 of 30 training images have one value",
    ),
    "a constant test image": (images(test=changed(drawn(9, 1), 0, 0.0)), "1 of 9 test images have one value"),
    "a class nobody saw": (images(classes=4), "no training image of class 3"),
    "many classes nobody saw": (images(classes=12), "no training image of class 3, 4, 5 and 6 further classes"),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_what_is_odd_is_noted_once(case: str) -> None:
    made, said = ODD[case]
    (note,) = looked_at(made, "mine").notes
    assert note.startswith(said)


def test_notes_of_the_dataset_come_first() -> None:
    made = Images(images().train, images().test, 4, ("labels were words",))
    assert looked_at(made, "mine").notes == ("labels were words", "no training image of class 3")


WRONG = {
    "-1..1": (images(drawn(30, 0) * 2 - 1), r"training images: expected pixels in 0\.\.1, found -0\.9\d*\.\."),
    "0..255": (images(drawn(30, 0) * 255), r"expected pixels in 0\.\.1, found 0\.\d+\.\.25"),
    "test only": (images(test=drawn(9, 1) + 0.5), r"test images: expected pixels in 0\.\.1"),
    "not a number": (images(changed(drawn(30, 0), (2, 0, 1, 1), float("nan"))), r"not-a-numbers .* in 1 of 30"),
    "infinite": (images(test=changed(drawn(9, 1), slice(4), float("inf"))), r"infinities in 4 of 9"),
    "divided twice": (images(drawn(30, 0) / 255), "divided by 255 twice"),
    "unit range as bytes": (images((drawn(30, 0) > 0.5).float() / 255), "divided by 255 twice"),
    "all constant": (images(torch.linspace(0, 1, 30).view(30, 1, 1, 1).expand(30, 1, 4, 4)), "show nothing"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_right_is_refused_by_name(case: str) -> None:
    made, said = WRONG[case]
    with pytest.raises(DataError, match=f"dataset mine: .*{said}"):
        looked_at(made, "mine")


LABELS = {
    "from 1": (torch.arange(30) % 3 + 1, "expected 0 to 2, since it says 3 classes, found 1 to 3"),
    "below 0": (torch.arange(30) % 3 - 1, "found -1 to 1"),
    "shares": (torch.arange(30) / 30, r"expected whole numbers, found torch\.float32"),
}


@pytest.mark.parametrize("part", ["training", "test"])
@pytest.mark.parametrize("case", LABELS)
def test_labels_that_are_no_classes_are_refused_before_anything_is_trained(case: str, part: str) -> None:
    y, said = LABELS[case]
    sound, wrong = Samples(drawn(30, 0), torch.arange(30) % 3), Samples(drawn(30, 0), y)
    made = Images(wrong, sound, 3) if part == "training" else Images(sound, wrong, 3)
    with pytest.raises(DataError, match=f"dataset mine: {part} labels: .*{said}"):
        looked_at(made, "mine")


PLAN = """
tasks: [{dataset: {npz: {path: %s}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]
schemes: [{uchida: {bits: 8}}]
verdict: {null_models: 1, keys: 2}
"""


def written_plan(folder: Path, x: Any, test: Any) -> Path:
    y = np.arange(len(x)) % 3
    np.savez(folder / "d.npz", x_train=x, y_train=y, x_test=test, y_test=y[: len(test)])
    (folder / "p.yaml").write_text(PLAN % (folder / "d.npz"))
    return folder / "p.yaml"


def test_notes_are_told_and_stand_in_record_and_report(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    told = Remembering()
    plan = written_plan(tmp_path, x, x[:20])
    done = run(plan, out=tmp_path / "run", store=tmp_path / "store", device="cpu", progress=told)
    said = "dataset npz: 20 of 20 test images are training images too"
    assert len([note for note in told.notes if note.startswith(said)]) == 1
    (record,) = (json.loads(path.read_text()) for path in (done.folder / "records").iterdir())
    assert record["notes"][0].startswith(said)
    write_report(done.folder)
    for name in ("report.md", "report.html", "results.csv"):
        assert "training images too" in (done.folder / name).read_text()


def test_wrong_pixels_are_a_problem_of_the_plan(tmp_path: Path) -> None:
    x = np.full((60, 8, 8), 7, dtype=np.uint8)
    plan = written_plan(tmp_path, x, x[:20])
    with pytest.raises(PlanError, match="show nothing"):
        run(plan, out=tmp_path / "run", store=tmp_path / "store", device="cpu")
