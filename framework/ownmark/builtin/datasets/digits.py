"""scikit-learn's handwritten digits: 1,797 grey images of 8 x 8 pixels, 17 levels, shipped with the package.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI (1998), its test part.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ownmark.builtin.datasets.archive import array_digest
from ownmark.builtin.datasets.config import DigitsConfig
from ownmark.builtin.datasets.pixels import enlarge, first_balanced
from ownmark.contracts.dataset import Dataset, Images
from ownmark.contracts.samples import Samples

TEST, SEED, LEVELS = 400, 0, 16


@cache
def _splits() -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Images [1397, 8, 8], [400, 8, 8] in 0..16, labels [1397], [400]: always the same stratified split."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        images.reshape(-1, 8, 8), labels, test_size=TEST, stratify=labels, random_state=SEED
    )
    return x_train, x_test, y_train, y_test


class Digits(Dataset):
    """Handwritten digits, 1,397 to train and 400 to test, [1, 8, 8] unless enlarged."""

    config: DigitsConfig

    def load(self) -> Images:
        """Split, scale, enlarge."""
        x_train, x_test, y_train, y_test = _splits()
        train = self._samples(x_train, y_train, self.config.limit_train)
        return Images(train=train, test=self._samples(x_test, y_test, self.config.limit_test), classes=10)

    def _samples(self, x: npt.NDArray[Any], y: npt.NDArray[Any], limit: int | None) -> Samples:
        chosen = first_balanced(y, limit)
        pixels = torch.from_numpy(x[chosen].astype(np.float32) / LEVELS).unsqueeze(1)
        return Samples(enlarge(pixels, self.config.size), torch.from_numpy(y[chosen].astype(np.int64)))

    def fingerprint(self) -> str:
        """Digest of images and split: another scikit-learn might split otherwise."""
        return array_digest(*_splits())
