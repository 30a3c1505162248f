"""`hub` and the forms in which pictures are stored: grey values survive, or are refused by name."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from tests.builtin.test_hub import Rows, hub, load, splits

from ownmark.errors import DataError

Image = pytest.importorskip("PIL.Image")
__all__ = ["hub", "splits"]  # fixtures

GREY = np.linspace(0, 1, 24).reshape(6, 4)
BYTES = np.round(GREY * 255).astype(np.uint8)


def stored(picture: Any, form: str, **options: Any) -> Any:
    """The picture, written and read back as from a file."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    file.seek(0)
    return Image.open(file)


def with_alpha(mode: str) -> Any:
    ink, alpha = np.zeros_like(BYTES), BYTES
    return Image.fromarray(np.dstack([ink] * (3 if mode == "RGBA" else 1) + [alpha]), mode=None)


def palette() -> Any:
    return Image.fromarray(np.dstack([BYTES] * 3)).quantize(24)


def see_through() -> Any:
    picture = Image.fromarray(BYTES // 32).convert("P")
    picture.putpalette([value for grey in range(256) for value in (grey, grey, grey)])
    return stored(picture, "PNG", transparency=0)


FORMS = {
    "eight bits": (lambda: stored(Image.fromarray(BYTES), "PNG"), GREY, 0.01),
    "sixteen bits, png": (lambda: stored(Image.fromarray((GREY * 65535).astype(np.uint16)), "PNG"), GREY, 0.01),
    "sixteen bits, tiff": (lambda: stored(Image.fromarray((GREY * 65535).astype(np.uint16)), "TIFF"), GREY, 0.01),
    "sixteen bits as integers": (lambda: Image.fromarray((GREY * 65535).astype(np.int32)), GREY, 0.01),
    "floats": (lambda: stored(Image.fromarray(GREY.astype(np.float32)), "TIFF"), GREY, 0.01),
    "black and white": (lambda: stored(Image.fromarray(BYTES > 100), "PNG"), (BYTES > 100).astype(float), 0.0),
    "palette": (lambda: stored(palette(), "PNG"), GREY, 0.05),
    "cmyk": (lambda: stored(Image.fromarray(np.dstack([BYTES] * 3)).convert("CMYK"), "TIFF"), GREY, 0.01),
    "colours and alpha": (lambda: stored(with_alpha("RGBA"), "PNG"), 1 - GREY, 0.01),
    "grey and alpha": (lambda: stored(with_alpha("LA"), "PNG"), 1 - GREY, 0.01),
}  # fmt: skip


def serve(splits: dict[str, Rows], *pictures: Any) -> None:
    shown = list(pictures) * 2
    splits["train"] = Rows(shown, [i % 2 for i in range(len(shown))], 2)
    splits["test"] = Rows(shown, [i % 2 for i in range(len(shown))], 2)


@pytest.mark.parametrize("form", FORMS)
def test_grey_values_are_kept_in_every_form(hub: Any, splits: dict[str, Rows], form: str) -> None:
    make, wanted, tolerance = FORMS[form]
    serve(splits, make(), make())
    x = load(hub).train.x
    assert x.shape[0] == 4
    for channel in x[0]:
        np.testing.assert_allclose(channel, wanted, atol=tolerance)


def test_a_transparent_palette_lies_on_white(hub: Any, splits: dict[str, Rows]) -> None:
    serve(splits, see_through(), see_through())
    x = load(hub).train.x[0, 0]
    assert bool((x[BYTES // 32 == 0] == 1).all())
    assert float(x[BYTES // 32 == 5].max()) < 0.1


WRONG = {
    "floats of -1..1": (Image.fromarray((GREY * 2 - 1).astype(np.float32)), r"grey values -1\.\.1 in mode F"),
    "floats beyond 1": (Image.fromarray((GREY * 255).astype(np.float32)), r"grey values 0\.\.255 in mode F"),
    "not a number": (Image.fromarray(np.full((6, 4), np.nan, np.float32)), "grey values nan"),
    "integers beyond 65535": (
        Image.fromarray((GREY * 10**6).astype(np.int32)),
        r"grey values 0\.\.1e\+06 in mode I",
    ),
    "negative integers": (Image.fromarray((GREY * -5).astype(np.int32)), r"grey values -5\.\.0 in mode I"),
}


@pytest.mark.parametrize("case", WRONG)
def test_values_of_an_unknown_range_are_refused(hub: Any, splits: dict[str, Rows], case: str) -> None:
    picture, said = WRONG[case]
    serve(splits, picture, picture)
    with pytest.raises(
        DataError, match=f"field image: expected readable images, found image 0 is not: {said}"
    ):
        load(hub)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_damaged_picture_is_named(hub: Any, splits: dict[str, Rows], form: str, place: int) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8))
    file = io.BytesIO()
    noise.save(file, form)
    cut = Image.open(io.BytesIO(file.getvalue()[: len(file.getvalue()) * 2 // 3]))
    serve(splits, *([cut, noise] if place == 0 else [noise, cut]))
    with pytest.raises(DataError, match=rf"found image {place} is not"):
        load(hub)


@pytest.mark.parametrize("labels", [[True, False], [False, True]])
def test_truth_values_are_two_classes(hub: Any, splits: dict[str, Rows], labels: list[bool]) -> None:
    picture = Image.fromarray(BYTES)
    for split in splits:
        splits[split] = Rows([picture] * 2, labels, None)
    images = load(hub)
    assert (images.classes, images.train.labels.tolist()) == (2, [int(one) for one in labels])


@pytest.mark.parametrize("labels", [["cat", "dog"], ["1", "0"]])
def test_words_are_refused_with_the_remedy(hub: Any, splits: dict[str, Rows], labels: list[str]) -> None:
    splits["train"] = Rows([Image.fromarray(BYTES)] * 2, labels, None)
    with pytest.raises(DataError, match=r"one integer an image, found <U.*class_encode_column\('label'\)"):
        load(hub)
