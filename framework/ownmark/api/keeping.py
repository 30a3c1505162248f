"""The images of a mark that is saved: objects of this process, which a later one finds nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ownmark.api.held import held
from ownmark.contracts.dataset import Images
from ownmark.ownership.folder import IMAGES, Claim, Release, write_images


def target_of(owner: Claim, release: Release) -> str:
    """The name of the object that a mark's images are, if they are one."""
    return str(owner.origin(release).source.parameters.get("target", ""))


def keep_images(owner: Path) -> None:
    """Write the images that fresh keys are drawn from beside the key; none where no reader takes any."""
    claim = Claim.read(owner)
    make = held(target_of(claim, Release.read(owner.parent / "released")))
    if make is None or all(reader.get("born") for reader in claim.about["readers"].values()):
        return
    images: Images = make()
    _write(owner, {**claim.about, "images": write_images(owner, images.train)})


def drop_images(owner: Path) -> None:
    """Leave out those that are kept."""
    about = dict(Claim.read(owner).about)
    if about.pop("images", None) is not None:
        (owner / IMAGES).unlink(missing_ok=True)
        _write(owner, about)


def _write(owner: Path, about: dict[str, Any]) -> None:
    (owner / "claim.json").write_text(json.dumps(about, indent=1, sort_keys=True), encoding="utf-8")
