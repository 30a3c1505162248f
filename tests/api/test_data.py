"""Images out of what people have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ownmark.api.data import as_images, samples_of
from ownmark.errors import DataError

X = torch.rand(20, 3, 6, 6, generator=torch.Generator().manual_seed(0))
Y = torch.arange(20) % 4


def pictures(folder: Path) -> Path:
    image = pytest.importorskip("PIL.Image")
    for i in range(20):
        place = folder / f"class {int(Y[i])}"
        place.mkdir(parents=True, exist_ok=True)
        image.fromarray((X[i].permute(1, 2, 0) * 255).round().byte().numpy()).save(place / f"{i:02}.png")
    return folder


def hugging_face(folder: Path) -> Any:
    datasets = pytest.importorskip("datasets")
    return datasets.Dataset.from_dict({"pixel_values": X.tolist(), "label": Y.tolist()}).with_format("torch")


FORMS: dict[str, Callable[[Path], Any]] = {
    "tensors": lambda f: (X, Y),
    "arrays": lambda f: (X.numpy(), Y.numpy()),
    "channels last bytes": lambda f: ((X.permute(0, 2, 3, 1) * 255).round().byte().numpy(), Y.tolist()),
    "loader": lambda f: torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), batch_size=7),
    "loader of dictionaries": lambda f: torch.utils.data.DataLoader(
        [{"pixel_values": x, "labels": int(y)} for x, y in zip(X, Y, strict=True)], batch_size=7
    ),
    "dataset": lambda f: torch.utils.data.TensorDataset(X, Y),
    "list of pairs": lambda f: [(x, int(y)) for x, y in zip(X, Y, strict=True)],
    "folder": lambda f: pictures(f / "images"),
    "Hugging Face": hugging_face,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_images(form: str, tmp_path: Path) -> None:
    found = samples_of(FORMS[form](tmp_path))
    order = torch.argsort(Y, stable=True) if form == "folder" else torch.arange(20)
    assert torch.allclose(found.x, X[order], atol=1 / 400)
    assert torch.equal(found.labels, Y[order])


def test_a_tenth_is_held_out_without_a_test_set() -> None:
    images = as_images((X, Y), None, (), (), None)
    assert (len(images.train), len(images.test), images.classes) == (18, 2, 4)


@pytest.mark.parametrize(
    "data",
    [
        (X * 255, Y),
        (X, Y.float()),
        (X, ["cat"] * len(Y)),
        [(X[0], "cat")],
        [],
        (np.zeros((3, 3)), [0, 1, 2]),
        [{"a": 1}],
        object(),
    ],
    ids=["not divided", "no classes", "names", "a name", "nothing", "no images", "no fields", "no data"],
)
def test_what_is_no_data_is_refused(data: Any) -> None:
    with pytest.raises(DataError) as refused:
        samples_of(data)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("lacks", ["a folder", "classes", "a picture", "a class in test"])
def test_folders_that_are_no_classes_are_named(lacks: str, tmp_path: Path) -> None:
    train, test = pictures(tmp_path / "all" / "train"), pictures(tmp_path / "all" / "test")
    (train / ".cache").mkdir()
    assert as_images(train, test, (), (), None).classes == 4
    if lacks == "a picture":
        (train / "class 0" / "00.png").write_bytes(b"no picture")
    if lacks == "a class in test":
        (test / "class 2").rename(test / "class two")
    data, says = {
        "a folder": (tmp_path / "alll", "no such folder"),
        "classes": (tmp_path / "all", "holds test and train"),
        "a picture": (train, r"00\.png"),
        "a class in test": (train, "differ in 'class 2'"),
    }[lacks]
    with pytest.raises(DataError, match=says):
        as_images(data, test, (), (), None)
