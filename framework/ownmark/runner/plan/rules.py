"""How a plan divides data, judges and draws."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ownmark.config import Positive, configuration, to_plain
from ownmark.runner.plan.entry import Entry, listed

LEAST_RATE = 1e-12
"""Below it, no statement about networks and pictures is that sure."""


Seed = Annotated[int, Field(ge=-(2**63), lt=2**64)]


@configuration
class Split:
    """How the training images are divided."""

    reserve: float = Field(default=0.2, ge=0, lt=1)
    """Share of the training images that the owner never sees; the attacker's pool (APP: 0.2)."""
    unseen: float = Field(default=0, ge=0, lt=1)
    """Share that the owner keeps from hosts and null models, for schemes that ask for such images."""
    seed: Seed = 0
    """Of the division, the same for all cells of a plan."""

    @model_validator(mode="after")
    def _leaves_something(self) -> Split:
        if self.reserve + self.unseen >= 1:
            raise ValueError(
                f"`reserve` {self.reserve:g} and `unseen` {self.unseen:g} leave no images to train on; lower one"
            )
        return self

    def plain(self) -> dict[str, Any]:
        """For files and digests; `unseen` stands there only if it is used, as older files do not know it."""
        said: dict[str, Any] = to_plain(self)
        return said if self.unseen else {name: value for name, value in said.items() if name != "unseen"}


@configuration
class Nulls:
    """What null models, and the networks of an audit, are trained on and built like."""

    data: Literal["disjoint", "owner"] = "disjoint"
    """`disjoint`: every other one on images the owner never had (the attacker's pool, where it is a tenth of the
    owner's), the rest on a half of the owner's, each on another; `owner`: all on the very images of the owner."""
    noise: float = Field(default=0.5, ge=0, le=10)
    """Every third of them sees its images with noise of so many of their standard deviations: innocents have other
    recipes as well. 0, and `data: owner`: none does."""
    hosts: Annotated[tuple[Entry, ...], BeforeValidator(listed)] = ()
    """Other hosts for every third of them, in turn. Marks in weights are read from the task's own host alone."""


@configuration
class VerdictRule:
    """When ownership is claimed."""

    rate: float = Field(default=0.05, ge=LEAST_RATE, lt=0.5)
    """Stated false-positive rate."""
    null_models: int = Field(default=8, ge=1, le=1000)
    """Independently trained unmarked hosts behind the threshold; shared by all schemes of a task."""
    keys: int = Field(default=20, ge=1, le=10_000)
    """Fresh keys read from each of them."""
    nulls: Nulls = Field(default_factory=Nulls)
    """What they are trained on; innocents have other data than the owner."""
    tests: Literal["both", "nulls", "decoys"] = "both"
    """`nulls` ask whether the suspect is marked at all, `decoys` (fresh keys read on the suspect itself) whether the
    mark is this owner's; a claim needs `both` where both can be had."""
    decoys: int | None = Field(default=None, ge=1, le=1_000_000)
    """Fresh keys read on each suspect; None takes five times as many as `rate` needs (999 at rates below 1e-4), and 999
    of marks in weights that are read in batches."""
    every_epoch: int = Field(default=0, ge=0, le=1000)
    """So many of the null models are trained once more and read after every epoch: the highest rate is the
    laundering paper's threshold, which records show beside ours. 0 leaves it out."""


@configuration
class Removal:
    """When an attack counts as a removal: ownership can no longer be claimed *and* utility survives."""

    kind: Literal["relative", "absolute"] = "relative"
    """`relative`: a share of the marked network's utility (MIRA); `absolute`: points lost (SoK)."""
    amount: Positive = 0.9
    """0.9 of the utility for `relative`, 0.05 for `absolute` five points."""

    @model_validator(mode="after")
    def _is_a_share(self) -> Removal:
        if self.kind == "relative" and self.amount > 1:
            raise ValueError(
                f"a relative `amount` is a share of the utility, at most 1; found {self.amount:g}"
            )
        return self


@configuration
class Landscape:
    """The vicinity of each marked network in the plane of two directions (APP paper, Figures 1 and 9, Eq. 7)."""

    points: int = Field(default=9, ge=2, le=101)
    """Points on each axis."""
    adversarial: float = Field(default=0.06, gt=0, le=10)
    """How far the axis that raises the triggers' loss most reaches, relative to the weights' length; a random direction
    for keys without triggers."""
    finetuning: float = Field(default=0.3, gt=0, le=10)
    """How far the axis towards a fine-tuned network reaches."""
    steps: int = Field(default=40, ge=1, le=10_000)
    """Steps of that fine-tuning, about: whole epochs (appendix A: 40)."""
    lr: float = Field(default=0.05, gt=0, le=1000)
    """Its learning rate (appendix A)."""
    images: int = Field(default=1000, ge=1, le=10**6)
    """Test images, and images that BatchNorm's statistics are measured on, at every point."""


@configuration
class Features:
    """Hidden features of each marked network in a plane, by t-SNE (APP paper, Figure 7)."""

    images: int = Field(default=500, ge=2, le=20_000)
    """Clean test images."""
    triggers: int = Field(default=100, ge=0, le=20_000)
    """The key's triggers, at most; keys without any show clean images alone."""
    perplexity: float = Field(default=30.0, gt=0, le=1000)
    """t-SNE's perplexity (scikit-learn's default); lowered to a third of the points where these are few."""
    attacked: bool = False
    """Show each suspect too, not the marked networks alone."""


@configuration
class TrainerOptions:
    """The user's own Lightning objects, each `{package.module:Class: {arguments}}`."""

    callbacks: Annotated[tuple[Entry, ...], BeforeValidator(listed)] = ()
    """Lightning callbacks that watch every training."""
    logger: Entry | None = None
    """A Lightning logger."""
