"""Images from code of the user's own: anything that can be imported and gives them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from ownmark.builtin.datasets.config import FunctionConfig
from ownmark.contracts.dataset import Dataset, Images
from ownmark.contracts.samples import Samples
from ownmark.errors import DataError, OwnmarkError
from ownmark.importing import named


class Function(Dataset):
    """What the configuration's `target` returns."""

    config: FunctionConfig

    def load(self) -> Images:
        """Call it.

        Raises:
            DataError: it cannot be imported, fails, or gives something else.
        """
        target = self.config.target
        try:
            given: Any = named(target)(**self.config.arguments)
        except OwnmarkError as error:
            raise DataError(str(error)) from error
        except (ImportError, AttributeError) as error:
            raise DataError(f"{target} cannot be imported: {error}") from error
        except Exception as error:
            raise DataError(f"{target} fails: {type(error).__name__}: {error}") from error
        return _apart(given if isinstance(given, Images) else _images(given, target))

    def check(self) -> None:
        """Load it: what code gives cannot be known before."""
        self.load()


def _images(given: Any, target: str) -> Images:
    try:
        x_train, y_train, x_test, y_test = given
        train, test = (_samples(x, y, target) for x, y in ((x_train, y_train), (x_test, y_test)))
    except (TypeError, ValueError) as error:
        raise DataError(f"{target}: expected (x_train, y_train, x_test, y_test), got {error}") from error
    return Images(train, test, max(2, int(max(train.labels.max(), test.labels.max())) + 1))


def _apart(images: Images) -> Images:
    """The images; what was cut from one array is copied, so that nothing done to training images reaches the test."""
    train, test = images.train, images.test
    labels = [part.labels.untyped_storage().data_ptr() for part in (train, test) if part.y is not None]
    if not train.pixels.shares_memory(test.pixels) and len(set(labels)) == len(labels):
        return images
    return replace(images, test=test.select(torch.arange(len(test))))


def _samples(x: Any, y: Any, target: str) -> Samples:
    images, labels = torch.as_tensor(x), torch.as_tensor(y).long()
    images = images.float() / 255 if images.dtype == torch.uint8 else images.float()
    if images.ndim != 4 or float(images.min()) < 0 or float(images.max()) > 1:
        raise DataError(
            f"{target}: images should be [N, C, H, W] in [0, 1] or bytes, got {tuple(images.shape)} in "
            f"[{float(images.min()):.3g}, {float(images.max()):.3g}]"
        )
    return Samples(images, labels)


def stripes(count: int = 240, side: int = 8) -> tuple[Any, Any, Any, Any]:
    """An example of what `target` may name: noisy stripes, upright (label 0) and level (label 1)."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 2
    wave = (torch.arange(side) % 2).float()
    upright, level = wave.expand(side, side), wave[:, None].expand(side, side)
    images = torch.where(labels[:, None, None].bool(), level, upright)
    images = 0.7 * images + 0.3 * torch.rand(count, side, side, generator=generator)
    cut = count * 3 // 4
    return images[:cut, None], labels[:cut], images[cut:, None], labels[cut:]
