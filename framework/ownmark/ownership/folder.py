"""The folders of a mark: what is in them, how it is written, how it is read back.

    my-mark/released/  model.safetensors  model.json                     to be given away
    my-mark/owner/     key.safetensors  controls.safetensors  claim.json  never

Folders appear whole: they are written under another name and renamed.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ownmark import strictjson
from ownmark.contracts.attack import Attack
from ownmark.contracts.host import Host
from ownmark.contracts.key import Key
from ownmark.contracts.loading import load_weights, without_wrapper
from ownmark.contracts.restoring import restored
from ownmark.contracts.returned import built
from ownmark.contracts.samples import Samples
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.tasks import PIXELS, Form, Inputs, Shape
from ownmark.contracts.weights import read_tensors, write_tensors
from ownmark.discovery import Catalog
from ownmark.errors import OwnmarkError, Unreadable, UntrustedFile, blamed
from ownmark.foreign import lies_in, paragraph, shown
from ownmark.methods import Kind
from ownmark.ownership.claimed import checked_claim
from ownmark.runner.cell import Spec, canonical
from ownmark.runner.plan import Split
from ownmark.runner.seeds import rng_for

MODEL_FORMAT, CLAIM_FORMAT = "model 1", "ownmark claim 1"
PRIVATE = frozenset({"recipe", "weights", "null_weights"})
"""Parameters of hosts that say how a network was made; no network is built from them."""
_START = "start"
LARGEST, STEPS = 2**24, 100
"""At most: bytes of a JSON file, attacks that a network went through."""


@dataclass(frozen=True)
class Structure:
    """What beside its weights makes a network run.

    Args:
        shape, classes: of the task. host: what was trained.
        layers: the scheme, where the released network has other layers than the host; else None.
        inputs: of the task, if not pixels.
    """

    host: Spec
    shape: Shape
    classes: int
    layers: Spec | None = None
    inputs: Inputs = PIXELS

    def blank(self, catalog: Catalog) -> nn.Module:
        """An untrained host."""
        return self._built(catalog, self.builder(catalog))

    def _built(self, catalog: Catalog, host: Host) -> nn.Module:
        method = catalog.find(Kind.HOST, self.host.id, catalog.home_of(self.host.id))
        with blamed(f"host {self.host.label}", catalog.whose(method)):
            return built(host, self.shape, self.classes)

    def builder(self, catalog: Catalog) -> Host:
        """The host, of the distribution that its name states."""
        home = catalog.home_of(self.host.id)
        found: Host = catalog.build(Kind.HOST, self.host.id, self.host.parameters, home=home)
        return found

    def load(self, catalog: Catalog, state: Mapping[str, Tensor], where: str) -> nn.Module:
        """A network of this structure with these weights, in eval mode on the CPU; layers may have other widths.

        Raises:
            Unreadable: the weights are those of another structure; says which tensors differ.
        """
        try:
            if self.layers is None:
                return self._of_host(catalog, state).eval()
            return self._of_scheme(catalog, state).eval()
        except (RuntimeError, KeyError, Unreadable) as error:
            host = shown(self.host.label.rpartition("/")[2], 60)
            raise Unreadable(
                f"{where}: not the weights of {host} for {self.shape} inputs and {self.classes} classes; "
                "a suspect of another structure can only be asked (give a function or an address). "
                f"{paragraph(error, 600)}"
            ) from error

    def _of_host(self, catalog: Catalog, state: Mapping[str, Tensor]) -> nn.Module:
        """The names may be those of the whole network, or of the part that its owner knows."""
        host = self.builder(catalog)
        network = self._built(catalog, host)
        bare = host.bare(network)
        state = host.renamed(bare, state)
        if bare is network:
            return load_weights(network, state)
        try:
            load_weights(bare, state)
        except (RuntimeError, KeyError, Unreadable):
            load_weights(network, state)
        return network

    def _of_scheme(self, catalog: Catalog, state: Mapping[str, Tensor]) -> nn.Module:
        """The scheme says which layers; the names are tried as they are, then without what wraps all of them."""
        assert self.layers is not None
        scheme: Scheme = catalog.build(
            Kind.SCHEME, self.layers.id, self.layers.parameters, home=catalog.home_of(self.layers.id)
        )
        try:
            return restored(scheme, self.blank(catalog), state, self.shape, self.classes)
        except (RuntimeError, KeyError, Unreadable):
            inner = without_wrapper(state)
            if inner is None:
                raise
            return self._of_scheme(catalog, inner)


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
            (folder / name).chmod(0o666 & ~_umask())

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
        about = _json(inside(folder, "model.json"), MODEL_FORMAT, "ownmark model 1")
        try:
            layers = about["layers"]
            structure = Structure(
                _spec(about["host"]),
                tuple(map(int, about["shape"])),
                int(about["classes"]),
                layers and _spec(layers),
                _inputs(about.get("inputs"), len(about["shape"])),
            )
            if len(about["steps"]) > STEPS:
                raise ValueError(f"more than {STEPS} attacks")
            steps = tuple(Step(_spec(step["attack"]), int(step["seed"])) for step in about["steps"])
            dataset = about["dataset"] and _spec(about["dataset"])
            return cls(structure, dataset, Split(**about["split"]), steps, _start(folder, structure, steps))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise UntrustedFile(f"{folder / 'model.json'}: incomplete or altered ({shown(error)})") from error


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


@dataclass(frozen=True)
class Claim:
    """What the owner keeps: the key, and everything that a verdict needs.

    Args:
        about: `claim.json`: scheme, and for each reader its threshold and the null models' hits behind it.
        controls: clean labelled images, which tell a working network from one that answers anything alike.
    """

    about: Mapping[str, Any]
    key: Key
    controls: Samples

    def origin(self, release: Release) -> Release:
        """The release with what was left out of it when it was given away: host, dataset, division.

        Raises:
            UntrustedFile: what the claim says of these is none of them.
        """
        if "dataset" not in self.about:  # a mark of version 0.1 gave all of it away
            return release
        try:
            host, dataset = _spec(self.about["host"]), _spec(self.about["dataset"])
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
        about = checked_claim(_json(inside(folder, "claim.json"), CLAIM_FORMAT), str(folder / "claim.json"))
        key = Key.load(inside(folder, "key.safetensors"))
        controls, _ = read_tensors(inside(folder, "controls.safetensors"), "controls")
        if key.digest() != about.get("key"):
            raise UntrustedFile(f"{folder}: key.safetensors is not the key that claim.json was made with")
        return cls(about, key, _samples(controls, folder / "controls.safetensors"))

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


def require_vacant(folder: Path) -> None:
    """Nothing is overwritten.

    Raises:
        OwnmarkError: `folder` exists.
    """
    if folder.exists():
        raise OwnmarkError(f"{folder} exists already; choose another name, or remove it first")


@contextmanager
def appearing(folder: Path, private: bool = False) -> Iterator[Path]:
    """A folder to write into that appears as `folder` once the block has ended well, and not at all otherwise.

    Args:
        private: nobody but its owner may look into it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield scratch
        scratch.chmod(0o700 if private else 0o777 & ~_umask())
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def inside(folder: Path, name: str) -> Path:
    """The file of that name in a folder, which may have come from anywhere.

    Raises:
        UntrustedFile: it is a link that leads out of the folder, or a pipe, a device or a folder.
    """
    path = folder / name
    if path.is_symlink() and not lies_in(folder, path):
        raise UntrustedFile(f"{path}: a link that leads out of the folder; put the file itself there")
    if path.exists() and not path.is_file():
        raise UntrustedFile(f"{path}: not a file")
    return path


def _json(path: Path, *expected: str) -> dict[str, Any]:
    try:
        about = strictjson.read(path, LARGEST)
    except (OSError, ValueError) as error:
        raise UntrustedFile(f"{path}: cannot be read ({shown(error)})") from error
    if not isinstance(about, dict) or about.get("format") not in expected:
        found = about.get("format") if isinstance(about, dict) else about
        raise UntrustedFile(f"{path}: expected {expected[0]!r}, found {found!r:.60}")
    return about


def _spec(described: Mapping[str, Any]) -> Spec:
    return Spec(str(described["id"]), canonical(dict(described["params"])), str(described["label"]))
