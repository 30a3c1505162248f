"""Parameters of the dataset."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import configuration


@configuration
class MnistPlusConfig:
    """How many images."""

    limit_train: int | None = Field(default=None, ge=1, le=10**9)
    """At most this many training images, balanced: the first of each class. None takes all."""
    limit_test: int | None = Field(default=None, ge=1, le=10**9)
    """At most this many test images, chosen likewise."""
