"""Parameters of the datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from ownmark.config import configuration


@configuration
class LimitedConfig:
    """What every dataset takes. (Descriptions, since pydantic's dataclasses do not inherit field docstrings.)"""

    limit_train: int | None = Field(
        default=None,
        ge=1,
        le=10**9,
        description="At most this many training images, balanced: the first of each class. None takes all.",
    )
    limit_test: int | None = Field(
        default=None, ge=1, le=10**9, description="At most this many test images, chosen likewise."
    )


@configuration
class DigitsConfig(LimitedConfig):
    """Parameters of `digits`."""

    size: Literal[8, 16, 32] = 8
    """Height and width in pixels; above 8 the images are enlarged bicubically."""


@configuration
class NpzConfig(LimitedConfig):
    """Parameters of `npz`."""

    path: Path
    """The file. Fields `x_train`, `x_test`: uint8, [N, H, W] or [N, H, W, 1] grey, [N, H, W, 3] RGB;
    `y_train`, `y_test`: integers [N] from 0. In place of `x_`, fields `r_` hold RGB images coded as
    `pixels.decode` says. Images from 256 MB on that `numpy.savez` stored are not read into memory: keep the file
    as it is during a run."""
    classes: int | None = Field(default=None, ge=2, le=1_000_000)
    """Number of labels; None: the length of the file's field `classes` if it has one, else the largest
    training label plus one."""


@configuration
class HubConfig(LimitedConfig):
    """Parameters of `hub`."""

    files: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    """Dataset id on the Hugging Face hub, or a local folder that `datasets` can load or has saved."""
    config: str | None = None
    """The dataset's own configuration (`"cropped_digits"` of SVHN); None for its default."""
    revision: str | None = None
    """Commit or tag on the hub; None for the newest."""
    train_split: str = "train"
    """Split to train on; slices such as `"train[:80%]"` work too."""
    test_split: str = "test"
    """Split to test on."""
    image: str = "image"
    """Field with the images."""
    label: str = "label"
    """Field with the labels: class labels or integers from 0."""
    size: int | None = Field(default=None, ge=1, le=1024)
    """Height and width in pixels, resized bicubically; None keeps the size, which must be the same for all."""
    channels: Literal[1, 3] | None = None
    """1 for grey, 3 for RGB; None does as the first training image does."""

    def fetched(self) -> tuple[str, ...]:
        """What is looked for on the hub."""
        return () if Path(self.name).is_dir() else (self.name,)


@configuration
class FilesConfig(LimitedConfig):
    """What datasets of single files take."""

    path: Path = Field(
        description="The folder: one directory a class, or `train` and `test` (`val`) with these. Labels follow the "
        "names of the directories in alphabetical order."
    )
    test_share: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="Of each class, tested on where there is no folder `test`; always the same.",
    )
    skip_bad: bool = Field(
        default=False,
        description="Leave files out that cannot be decoded, with a warning that counts and names them. "
        "Otherwise they are an error.",
    )


@configuration
class FolderConfig(FilesConfig):
    """Parameters of `folder`."""

    size: int | None = Field(default=None, ge=1, le=1024)
    """Height and width in pixels, resized bicubically (proportions are not kept); None keeps the size, which must be
    the same for all."""
    channels: Literal[1, 3] | None = None
    """1 for grey, 3 for RGB; None does as the first training image does."""


@configuration
class WavFolderConfig(FilesConfig):
    """Parameters of `wav-folder`."""

    rate: int = Field(default=8000, ge=1000, le=96_000)
    """Samples a second; files of other rates are resampled."""
    seconds: float = Field(default=1.0, gt=0, le=60)
    """Length of an utterance: what is longer is cut off, what is shorter is followed by silence."""
    mels: int = Field(default=32, ge=4, le=256)
    """Height of the picture: mel bands."""
    frames: int = Field(default=32, ge=4, le=1024)
    """Width of the picture: points in time, evenly spaced."""
    window: int = Field(default=256, ge=16, le=8192)
    """Samples of the Hann window that each point looks at."""


@configuration
class FunctionConfig:
    """Parameters of `function`."""

    target: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    """`package.module:name` of what gives `(x_train, y_train, x_test, y_test)`: images [N, C, H, W] in [0, 1] or
    bytes, labels [N] from 0."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Given to it by name."""

    def sources(self) -> tuple[str, ...]:
        """Modules that the data depend on."""
        return (self.target.partition(":")[0],)
