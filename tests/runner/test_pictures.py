"""Picture exhibits."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from ownmark.errors import Unwritable
from ownmark.runner.pictures import image_grid, write_picture


def pixels(png):
    return np.round(imread(io.BytesIO(png))[..., :3] * 255).astype(int)


def test_image_grid_places_images_row_by_row():
    images = np.zeros((3, 1, 64, 64))
    images[1], images[2] = 0.5, 2.0
    sheet = pixels(image_grid(images, columns=2))
    assert sheet.shape == (2 * 68 + 4, 2 * 68 + 4, 3)
    assert [tuple(sheet[y, x]) for y, x in ((10, 10), (10, 80), (80, 10), (80, 80), (1, 1))] == [
        (0, 0, 0), (128, 128, 128), (255, 255, 255), (255, 255, 255), (255, 255, 255),
    ]  # fmt: skip


def test_image_grid_keeps_channels_and_enlarges_small_images():
    image = np.zeros((1, 3, 8, 8))
    image[0, 0, 0, 1] = 1.0
    sheet = pixels(image_grid(image))
    assert sheet.shape == (72, 72, 3)
    assert tuple(sheet[4, 12]) == tuple(sheet[11, 19]) == (255, 0, 0)
    assert tuple(sheet[12, 12]) == tuple(sheet[4, 11]) == (0, 0, 0)


@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 4, 8, 8), (0, 1, 8, 8)])
def test_image_grid_refuses_what_is_no_batch_of_images(shape):
    with pytest.raises(ValueError, match="image_grid needs"):
        image_grid(np.zeros(shape))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_picture_that_cannot_be_written_is_no_fault_of_the_cell(tmp_path, monkeypatch, number):
    def full(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Unwritable, match=os.strerror(number)):
        write_picture(tmp_path / "exhibits", "trigger", torch.zeros(2, 1, 8, 8))
    assert list((tmp_path / "exhibits").iterdir()) == []
