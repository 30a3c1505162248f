"""A network as it is given away, or as a thief left it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ownmark.contracts.attack import Attack
from ownmark.contracts.restoring import restored
from ownmark.contracts.tasks import PIXELS, Form, Inputs
from ownmark.contracts.weights import read_tensors, write_tensors
from ownmark.discovery import Catalog
from ownmark.errors import Unreadable, UntrustedFile
from ownmark.foreign import shown
from ownmark.methods import Kind
from ownmark.ownership.folder.places import inside, json_of, spec_of
from ownmark.ownership.folder.structure import PRIVATE, Structure
from ownmark.runner.cell import Spec, canonical
from ownmark.runner.plan import Split
from ownmark.runner.seeds import rng_for
from ownmark.scratch import umask

MODEL_FORMAT = "model 1"


STEPS = 100
"""Attacks that a network went through, at most."""


_START = "start"


@dataclass(frozen=True)
class Step:
    """An attack that a released network went through, and the seed of what it serves."""

    attack: Spec
    seed: int


@dataclass(frozen=True)
class Release:
    """A network as it is given away, or as a thief left it.

    Args:
        dataset, split: where images for attacks come from; no dataset in what is given away.
        steps: attacks so far, in order.
    """

    structure: Structure
    dataset: Spec | None
    split: Split
    steps: tuple[Step, ...] = ()
    start: Path | None = None
    """The folder, inside of this one, of what the last attack that may have changed layers began with."""

    def restored(self, catalog: Catalog, state: Mapping[str, Tensor], where: str) -> nn.Module:
        """The network with these weights, also if the last attack changed layers.

        Raises:
            Unreadable: the weights are those of another structure.
        """
        try:
            return self.structure.load(catalog, state, where)
        except Unreadable:
            thief = self._changed_layers(catalog)
            if thief is None:
                raise
            shape, classes = self.structure.shape, self.structure.classes
            return restored(thief, self._begun(catalog), state, shape, classes).eval()

    def _begun(self, catalog: Catalog) -> nn.Module:
        """What the last attack that may have changed layers was given; a host, where nothing else is known."""
        if self.start is None:
            return self.structure.blank(catalog)
        begun = Release.read(self.start)  # of whose story this one's is the trusted part
        begun = replace(begun, structure=self.structure, steps=self.steps[: len(begun.steps)])
        return begun.restored(catalog, model_state(self.start), str(self.start))

    def _changed_layers(self, catalog: Catalog) -> Attack | None:
        """The last attack that may have left another structure than it found."""
        for step in reversed(self.steps):
            thief: Attack = catalog.build(
                Kind.ATTACK, step.attack.id, step.attack.parameters, home=catalog.home_of(step.attack.id)
            )
            if type(thief).restore is not Attack.restore:
                return thief
        return None

    def served(self, catalog: Catalog, network: nn.Module) -> nn.Module:
        """What answers queries once the attacks' fronts stand before the network."""
        for step in self.steps:
            attack = catalog.build(
                Kind.ATTACK, step.attack.id, step.attack.parameters, home=catalog.home_of(step.attack.id)
            )
            network = attack.serve(network, rng_for("serve", step.seed))
        return network.eval()

    def without_origin(self) -> Release:
        """What is given away: how the network is built, and neither how it was trained nor on what."""
        host = self.structure.host
        params = {name: value for name, value in host.parameters.items() if name not in PRIVATE}
        bare = Spec(host.id, canonical(params), host.id)
        return replace(self, structure=replace(self.structure, host=bare), dataset=None, split=Split())

    @property
    def source(self) -> Spec:
        """The dataset.

        Raises:
            UntrustedFile: the folder does not say.
        """
        if self.dataset is None:
            raise UntrustedFile("the folder does not say which data its network was trained on")
        return self.dataset

    def write(self, folder: Path, state: Mapping[str, Tensor]) -> None:
        """Write `model.safetensors` and `model.json`, readable by everybody whom the folder lets in."""
        write_tensors(folder / "model.safetensors", state, {"format": "pt"})
        structure = self.structure
        about = {
            "format": MODEL_FORMAT, "host": structure.host.describe(), "shape": list(structure.shape),
            "classes": structure.classes, "layers": structure.layers and structure.layers.describe(),
            "dataset": self.dataset and self.dataset.describe(), "split": self.split.plain(),
            "steps": [{"attack": step.attack.describe(), "seed": step.seed} for step in self.steps],
        }  # fmt: skip
        if structure.inputs != PIXELS:
            about["inputs"] = {"form": str(structure.inputs.form), "tokens": structure.inputs.tokens}
        (folder / "model.json").write_text(json.dumps(about, indent=1, sort_keys=True))
        for name in ("model.safetensors", "model.json"):
            (folder / name).chmod(0o666 & ~umask())

    def write_with_start(
        self, folder: Path, state: Mapping[str, Tensor], begun: tuple[Release, Mapping[str, Tensor]] | None
    ) -> None:
        """As `write`; keeps what is needed to build a network of other layers again.

        Args:
            begun: what the attack was given, with its weights, if it may have changed layers.
        """
        self.write(folder, state)
        place = folder / _START
        if begun is not None:
            place.mkdir()
            begun[0].write(place, begun[1])
            place /= _START
        if self.start is not None:
            shutil.copytree(self.start, place)

    @classmethod
    def read(cls, folder: Path) -> Release:
        """Read `model.json`.

        Raises:
            UntrustedFile: there is none, or it says something else.
        """
        about = json_of(inside(folder, "model.json"), MODEL_FORMAT, "ownmark model 1")
        try:
            structure = Structure(
                spec_of(about["host"]),
                tuple(map(int, about["shape"])),
                int(about["classes"]),
                _named(about["layers"]),
                _inputs(about.get("inputs"), len(about["shape"])),
            )
            if len(about["steps"]) > STEPS:
                raise ValueError(f"more than {STEPS} attacks")
            steps = tuple(Step(spec_of(step["attack"]), int(step["seed"])) for step in about["steps"])
            dataset = _named(about["dataset"])
            return cls(structure, dataset, Split(**about["split"]), steps, _start(folder, structure, steps))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise UntrustedFile(f"{folder / 'model.json'}: incomplete or altered ({shown(error)})") from error


def _named(told: Any) -> Spec | None:
    """A method that may be left out; whatever else says nothing (`0`, `[]`) is no way to leave it out."""
    return None if told is None else spec_of(told)


def _inputs(told: Any, sizes: int) -> Inputs:
    """What a `model.json` says of its network's inputs: nothing of pixels."""
    found = PIXELS if told is None else Inputs(Form(told["form"]), int(told["tokens"]))
    if found.form is Form.PIXELS and sizes != 3:
        raise ValueError(f"pixels have three sizes, and there are {sizes}")
    return found


def _start(folder: Path, structure: Structure, steps: tuple[Step, ...]) -> Path | None:
    """Where a folder keeps what its last attack on layers began with.

    Raises:
        UntrustedFile: that is a link, or the network of another story; what may run was decided by looking at this one.
    """
    start = folder / _START
    if not start.is_dir():
        return None
    begun = None if start.is_symlink() else Release.read(start)
    if begun is None or begun.structure != structure or begun.steps != steps[: len(begun.steps)]:
        raise UntrustedFile(f"{start}: is not what the network of {folder} was before it was attacked")
    return start


def model_state(folder: Path) -> dict[str, Tensor]:
    """The weights beside a `model.json`."""
    path = inside(folder, "model.safetensors")
    tensors, header = read_tensors(path)
    if header.get("ownmark", "model") != "model":
        raise UntrustedFile(f"{path}: holds {shown(header['ownmark'], 40)!r}, expected a model")
    return tensors
