"""What the owner keeps of a mark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ownmark.contracts.key import Key
from ownmark.contracts.samples import Samples
from ownmark.contracts.weights import read_tensors, write_tensors
from ownmark.errors import UntrustedFile
from ownmark.foreign import shown
from ownmark.ownership.claimed import checked_claim
from ownmark.ownership.folder.images import read_images
from ownmark.ownership.folder.places import inside, json_of, spec_of
from ownmark.ownership.folder.release import Release
from ownmark.runner.plan import Split

CLAIM_FORMAT = "ownmark claim 1"


@dataclass(frozen=True)
class Claim:
    """What the owner keeps: the key, and everything that a verdict needs.

    Args:
        about: `claim.json`: scheme, and for each reader its threshold and the null models' hits behind it.
        controls: clean labelled images, which tell a working network from one that answers anything alike.
        folder: where it was read.
    """

    about: Mapping[str, Any]
    key: Key
    controls: Samples
    folder: Path | None = None

    def images(self, release: Release) -> Samples | None:
        """The images that the key was drawn from, if the mark keeps them; see `ownership.folder.images`.

        Raises:
            UntrustedFile: they are not what was kept.
        """
        known = self.about.get("images")
        if known is None or self.folder is None:
            return None
        return read_images(self.folder, known, release.structure.shape, release.structure.classes)

    def origin(self, release: Release) -> Release:
        """The release with what was left out of it when it was given away: host, dataset, division.

        Raises:
            UntrustedFile: what the claim says of these is none of them.
        """
        if "dataset" not in self.about:  # a mark of version 0.1 gave all of it away
            return release
        try:
            host, dataset = spec_of(self.about["host"]), spec_of(self.about["dataset"])
            structure = replace(release.structure, host=host)
            return replace(release, structure=structure, dataset=dataset, split=Split(**self.about["split"]))
        except (KeyError, TypeError, ValueError) as error:
            raise UntrustedFile(f"claim.json: incomplete or altered ({shown(error)})") from error

    def write(self, folder: Path) -> None:
        """Write the three files, readable by their owner only."""
        self.key.save(folder / "key.safetensors")
        tensors = {"x": self.controls.x, "y": self.controls.labels}
        write_tensors(folder / "controls.safetensors", tensors, {"ownmark": "controls"})
        text = json.dumps({"format": CLAIM_FORMAT, **self.about}, indent=1, sort_keys=True)
        (folder / "claim.json").write_text(text)
        for path in (*folder.iterdir(), folder):
            path.chmod(0o700 if path.is_dir() else 0o600)

    @classmethod
    def read(cls, folder: Path) -> Claim:
        """Read what `write` wrote.

        Raises:
            UntrustedFile: a file is missing, altered, or something else.
        """
        if not folder.is_dir():
            raise UntrustedFile(
                f"{folder.parent}: no mark; a mark is a folder with `owner` and `released` in it"
            )
        about = checked_claim(json_of(inside(folder, "claim.json"), CLAIM_FORMAT), str(folder / "claim.json"))
        key = Key.load(inside(folder, "key.safetensors"))
        controls, _ = read_tensors(inside(folder, "controls.safetensors"), "controls")
        if key.digest() != about.get("key"):
            raise UntrustedFile(f"{folder}: key.safetensors is not the key that claim.json was made with")
        return cls(about, key, _samples(controls, folder / "controls.safetensors"), folder)

    def require_of(self, release: Release, where: str) -> None:
        """Controls that are images of the task that the network was made for.

        Raises:
            UntrustedFile: they are not.
        """
        structure, labels = release.structure, self.controls.labels
        strange = len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < structure.classes
        if len(labels) and (strange or self.controls.x.shape[1:] != structure.shape):
            raise UntrustedFile(f"{where}: its controls are no images of the task in its model.json")


def _samples(tensors: Mapping[str, Tensor], path: Path) -> Samples:
    """Clean inputs with a label each: pixels or waveforms with classes, token ids, pictures with texts.

    Raises:
        UntrustedFile: the file holds something else.
    """
    x, y = tensors.get("x"), tensors.get("y")
    if x is None or y is None or not x.ndim or not y.ndim or len(x) != len(y):
        raise UntrustedFile(f"{path}: incomplete or altered")
    inputs = (x.is_floating_point() or x.dtype == torch.int64) and bool(x.isfinite().all())
    if len(x) and (not inputs or y.is_floating_point() or y.ndim not in (1, 3)):
        raise UntrustedFile(f"{path}: holds no inputs with a label each")
    return Samples(x, y.long())
