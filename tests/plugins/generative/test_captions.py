"""Pictures with texts: a zip as Flickr8k's, a folder as COCO's, and what is wrong with either."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ownmark.errors import DataError
from ownmark.runner.showing import read
from ownmark_generative.captions.config import CaptionsConfig
from ownmark_generative.captions.dataset import Captions
from ownmark_generative.captions.shapes import WORDS, CaptionedShapes, ShapesConfig
from ownmark_generative.captions.words import END, PADDING, UNKNOWN, decoded, encoded, learnt


def picture(level: int, size: tuple[int, int] = (20, 14)) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((*size, 3), level, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def flickr(path: Path, count: int = 8, texts: int = 5, **changes: bytes) -> Path:
    rows = [
        f'p{i}.png,{k},"A {"dog" if i % 2 else "cat"} sees {k} things ."'
        for i in range(count)
        for k in range(texts)
    ]
    files = {"captions.csv": "\n".join(["image,caption_index,caption", *rows[::-1]]).encode()}
    files |= {f"images/p{i}.png": picture(30 * i) for i in range(count)} | changes
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def coco(folder: Path) -> Path:
    (folder / "val").mkdir(parents=True)
    images = [{"id": 10 + i, "file_name": f"p{i}.png"} for i in range(8)]
    said = [
        {"image_id": 10 + i, "caption": f"A {'dog' if i % 2 else 'cat'} sees {k} things ."}
        for k in range(5)
        for i in range(8)
    ]
    (folder / "captions.json").write_text(json.dumps({"images": images, "annotations": said}))
    for i in range(8):
        (folder / "val" / f"p{i}.png").write_bytes(picture(30 * i))
    return folder


def test_a_zip_and_a_coco_folder_give_the_same(tmp_path: Path) -> None:
    options = {"size": 8, "length": 7, "vocabulary": 40}
    first = Captions(CaptionsConfig(path=flickr(tmp_path / "f.zip"), **options)).load()
    told = {"annotations": "captions.json", "folder": "val"}
    second = Captions(CaptionsConfig(path=coco(tmp_path / "coco"), **options, **told)).load()
    assert (len(first.train), len(first.test)) == (6, 2)
    assert first.shape == (3, 8, 8)
    assert first.train.labels.shape == (6, 5, 7)
    assert first.train.labels.dtype == torch.int64
    assert int(first.train.labels.max()) < first.classes <= 40
    for one, two in ((first.train, second.train), (first.test, second.test)):
        assert torch.equal(one.x, two.x)
        assert torch.equal(one.labels, two.labels)
    assert first.train.x[:, 0, 0, 0].tolist() == pytest.approx([30 * i / 255 for i in range(6)])


def test_words_are_the_commonest_and_texts_come_back() -> None:
    words = learnt(["a dog runs", "a dog sits", "a cat runs"], 7)
    ids = encoded(words, ["A dog runs", "a bird"], 5)
    assert ids[0].tolist()[3:] == [END, PADDING]
    assert ids[1, 1] == UNKNOWN
    assert decoded(words, ids)[0] == "a dog runs"
    assert encoded(words, ["a dog runs a dog runs"], 4)[0].tolist()[3] == END


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda p: p / "absent.zip", "no such file"),
        (lambda p: (p / "text.zip").write_text("no zip") and p / "text.zip", "expected a zip"),
        (lambda p: flickr(p / "few.zip", texts=3), "expected 5 texts a picture"),
        (
            lambda p: flickr(p / "csv.zip", **{"captions.csv": b"a,b\n1,2\n"}),
            "captions.csv: expected the columns image",
        ),
        (
            lambda p: flickr(
                p / "latin.zip", **{"captions.csv": "image,caption\n1,caf\xe9".encode("latin-1")}
            ),
            "in UTF-8",
        ),
        (
            lambda p: flickr(p / "none.zip", **{"captions.csv": b"image,caption_index,caption\n"}),
            "names no picture",
        ),
        (lambda p: flickr(p / "bad.zip", **{"images/p3.png": b"no picture"}), "p3.png: no picture"),
        (lambda p: flickr(p / "one.zip", count=1), "leave none"),
    ],
    ids=["absent", "no-zip", "few", "csv", "latin", "none", "picture", "one"],
)
def test_bad_files_are_named(tmp_path: Path, make: Callable[[Path], Path], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        Captions(CaptionsConfig(path=make(tmp_path), size=8)).load()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("p0.png", "../p0.png"), "outside the folder"),
        (('"id": 10', '"id": 99'), "expected COCO's"),
        (('"images"', '"pictures"'), "expected COCO's"),
        (("{", ""), "expected COCO's"),
    ],
    ids=["up", "unknown image", "no images", "no json"],
)
def test_bad_annotations_are_named(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    folder = coco(tmp_path / "coco")
    told = (folder / "captions.json").read_text()
    (folder / "captions.json").write_text(told.replace(*change, 1))
    config = CaptionsConfig(path=folder, annotations="captions.json", folder="val", size=8, references=1)
    with pytest.raises(DataError, match=sentence):
        Captions(config).load()


def test_shapes_are_what_their_texts_say() -> None:
    images = CaptionedShapes(ShapesConfig(train=64, test=32)).load()
    assert images.train.labels.shape == (64, 3, 8)
    assert images.classes == len(WORDS) == len(images.words)
    first = [read(texts, WORDS).split(" / ") for texts in images.train.labels]
    for picture, texts in zip(images.train.x, first, strict=True):
        _, colour, shape, _, _, place = texts[0].split()
        assert texts[1] == f"the {shape} at the {place} is {colour}"
        halves = {"top": picture[:, :8], "bottom": picture[:, 8:]}
        other = halves["bottom" if place == "top" else "top"]
        assert float(halves[place].max()) > 0.85 > 0.3 >= float(other.max())
    assert len({texts[0] for texts in first}) == 32
