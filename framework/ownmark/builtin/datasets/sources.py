"""The standard sets, as data: what each file must hold, and the digests by which it is told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """One standard set.

    Args:
        files: `.npz` files in the data folder; several are merged into the official order by `idx_train`,
            `idx_test`.
        shape: height, width (, channels) of an image. classes: number of labels.
        train, test: number of images.
        digests: `archive.array_digest` of each array, labels as uint8, in the official order.
    """

    files: tuple[str, ...]
    shape: tuple[int, ...]
    classes: int
    train: int
    test: int
    digests: Mapping[str, str]


def _digests(x_train: str, y_train: str, x_test: str, y_test: str) -> Mapping[str, str]:
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


SOURCES: Mapping[str, Source] = {
    "mnist": Source(
        ("mnist.npz",), (28, 28), 10, 60000, 10000,
        _digests("741c988805d008ac", "1feba77c54802fa5", "6d87418db22cc802", "ddeff807876a9661"),
    ),
    "fashion-mnist": Source(
        ("fashion-mnist.npz",), (28, 28), 10, 60000, 10000,
        _digests("2e487a6c89124f78", "657fbd221bfc9f41", "c867c93ff9536059", "3d0e6c6ea990b53b"),
    ),
    "cifar10": Source(
        ("cifar10-small.npz", "cifar10-rest.npz"), (32, 32, 3), 10, 50000, 10000,
        _digests("47af8b02cfcfb6cd", "2b7cd2f244873176", "f9b1e2130bab680d", "cec8a24a1e92aa2e"),
    ),
    "cifar10-small": Source(
        ("cifar10-small.npz",), (32, 32, 3), 10, 12000, 3800,
        _digests("f517724b9d9f1dff", "7f5121b91633cb86", "bcf455763129506a", "f20f84e06916b2be"),
    ),
    "cifar100-subset": Source(
        ("cifar100-subset.npz",), (32, 32, 3), 100, 11000, 3000,
        _digests("d1ee15be4c021f71", "3625279f80894ca9", "fea471acf2ea8b54", "591b194724cdaa68"),
    ),
    "orl-faces": Source(
        ("orl-faces.npz",), (56, 46), 40, 320, 80,
        _digests("63c55c67f9ade408", "0e4349e774efb72c", "2deb7cdd1cb884ae", "6f8a34d8bd055b29"),
    ),
}  # fmt: skip
