"""A suspect as the verifier faces it, whatever was given: module, function, address, file, folder."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.checkpoints import Checkpoint, OnnxAnswers, digest_of, kind_of_file, read_weights, weights_file
from ownmark.checkpoints.hub import fetched
from ownmark.contracts.partial import copies, partly_loaded, rivals
from ownmark.contracts.tasks import Goal
from ownmark.contracts.views import outputs
from ownmark.discovery import Catalog
from ownmark.errors import NotApplicable, OwnmarkError, Unreadable, UntrustedFile, UnusableAnswer
from ownmark.foreign import redacted, shown
from ownmark.ownership.answers import plain_answers
from ownmark.ownership.asked import Answers, guarded, imported
from ownmark.ownership.endpoint import Endpoint, Service
from ownmark.ownership.folder import Release, model_state
from ownmark.ownership.trust import as_owned

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
Given = str | Path | Service | Answers | nn.Module


@dataclass(frozen=True)
class Faced:
    """A suspect as the verifier faces it: what answers, and the weights if they are there.

    Args:
        lacking: why the network is only a part of the owner's, the rest not a number; empty if it is whole.
    """

    answer: Answers
    network: nn.Module | None
    about: Mapping[str, Any]
    endpoint: Endpoint | None = None
    lacking: str = ""


def face(
    suspect: Given,
    release: Release,
    catalog: Catalog,
    device: torch.device,
    budget: int | None,
    progress: Callable[[int, int], None] | None,
    trust: bool,
    labels: Sequence[str] | None = None,
) -> Faced:
    """What stands behind a suspect; arguments as for `verify`.

    Raises:
        Unreadable: weights of another structure.
        UntrustedFile: a file that is refused. OwnmarkError: what was given is nothing that can be asked or read.
    """
    if isinstance(suspect, str) and suspect.startswith(("http://", "https://")):
        suspect = Service(suspect)
    if isinstance(suspect, Service):
        suspect = suspect if labels is None else replace(suspect, labels=tuple(labels))
        endpoint = Endpoint(suspect, budget, release.structure.classes, progress)
        return Faced(endpoint, None, {"given": redacted(suspect.url)}, endpoint)
    if isinstance(suspect, nn.Module):
        return _module(suspect, release, catalog, device)
    if isinstance(suspect, str) and not Path(suspect).exists() and _FUNCTION.fullmatch(suspect):
        return _function(imported(suspect), suspect, labels, {"given": suspect})
    if isinstance(suspect, str) and suspect.startswith("hf://"):
        folder, name = fetched(suspect)
        faced = _stored(folder, release, catalog, device, trust)
        return replace(faced, about={**faced.about, "given": name})
    if isinstance(suspect, str) and "://" in suspect:
        raise OwnmarkError(
            f"{redacted(suspect)} is no address of a service; it starts with http:// or https://, and hf:// for a "
            "repository of the Hugging Face hub"
        )
    if isinstance(suspect, str | Path):
        return _stored(Path(suspect), release, catalog, device, trust)
    if isinstance(suspect, Mapping):
        raise OwnmarkError("a state dict alone is no suspect; load it into its module, or save it to a file")
    if not callable(suspect):
        raise OwnmarkError(
            f"{type(suspect).__name__}: no suspect; give a file, a folder, an address, a module or a function"
        )
    called = getattr(suspect, "__qualname__", type(suspect).__qualname__)
    name = "the function" if "<" in called else f"the function {called}"
    return _function(suspect, name, labels, {"given": name})


def about(suspect: object) -> dict[str, str]:
    """What a record says of files that were given."""
    path = Path(str(suspect))
    digest = digest_of(path)
    return {"given": str(path), "sha256": digest}


def _function(function: Answers, name: str, labels: Sequence[str] | None, told: Mapping[str, Any]) -> Faced:
    _require_no_class(function)

    def ask(x: Tensor) -> Any:
        return plain_answers(function(x), len(x), labels)

    return Faced(guarded(ask, name), None, told)


def _require_no_class(function: object) -> None:
    if isinstance(function, type) and issubclass(function, nn.Module):
        raise OwnmarkError(f"{function.__qualname__} is a class; give a module of it, with its weights")


def _module(suspect: nn.Module, release: Release, catalog: Catalog, device: torch.device) -> Faced:
    """A copy of a live module, in eval mode: the one that was given is neither changed nor used in train mode."""
    name = f"the module {type(suspect).__qualname__}"
    try:
        bare = copy.deepcopy(suspect)
    except Exception as error:
        raise Unreadable(f"{name} cannot be copied ({type(error).__name__}: {error})") from error
    host = release.structure.builder(catalog)
    asked = host.around(bare).float().to(device).eval()
    try:
        network = release.restored(catalog, dict(suspect.state_dict()), name).to(device)
    except Unreadable:  # another head, another structure: what it has can still be read
        network = asked
    told = {"given": name, "sha256": _digest(network)}
    return Faced(_answering(asked, name, host.goal), network, told)


def _digest(network: nn.Module) -> str:
    """SHA-256 of a network's tensors; layers in int8 keep them in tuples, beside types and numbers."""
    state = hashlib.sha256()
    for tensor in _tensors(network.state_dict().values()):
        flat = (tensor.int_repr() if tensor.is_quantized else tensor).detach().cpu().contiguous().reshape(-1)
        state.update(flat.view(torch.uint8).numpy().tobytes())
    return state.hexdigest()


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from _tensors(value)


def _stored(path: Path, release: Release, catalog: Catalog, device: torch.device, trust: bool) -> Faced:
    """A file of weights, or a folder that says what was done to them."""
    described = path.is_dir() and os.path.lexists(path / "model.json")
    origin = Release.read(path) if described else release
    if described and not trust:
        origin = as_owned(origin, release, catalog, str(path))
    if not described and kind_of_file(path) == "onnx":
        return _onnx(path, release, catalog, device)
    found = Checkpoint(model_state(path), "safetensors") if described else read_weights(path)
    told = about(path) | ({"taken": found.taken} if found.taken else {})
    try:
        network = origin.restored(catalog, found.tensors, str(path)).to(device)
    except Unreadable as error:
        part = _part(path, origin, catalog, found.tensors)
        if part is None:
            raise
        return Faced(_refusing(error), part.to(device), told, lacking=str(error))
    host = release.structure.builder(catalog)
    bare = host.bare(network)
    if left := (*found.left, *copies(bare.state_dict(), host.renamed(bare, found.tensors))):
        told["left"] = ", ".join(name.rstrip(".") for name in left)
    return Faced(_answering(origin.served(catalog, network), str(path), host.goal), network, told)


def _onnx(path: Path, release: Release, catalog: Catalog, device: torch.device) -> Faced:
    """Asked as it is, by onnxruntime; its initialisers are read where they are the owner's tensors."""
    told, lacking = about(path), f"{path}: its initialisers are not those of the owner's network"
    asked = OnnxAnswers(weights_file(path))
    if importlib.util.find_spec("onnxruntime") is None:
        raise NotApplicable("asking an ONNX file takes the package onnxruntime: pip install 'ownmark[onnx]'")

    def answer(x: Tensor) -> Any:
        return plain_answers(asked(x), len(x), None)

    part = _part(path, release, catalog, read_weights(path).tensors)
    return Faced(guarded(answer, str(path)), None if part is None else part.to(device), told, lacking=lacking)


def _part(path: Path, release: Release, catalog: Catalog, tensors: Mapping[str, Tensor]) -> nn.Module | None:
    """What a file has of the owner's network.

    Raises:
        UntrustedFile: it has that of several networks.
    """
    host = release.structure.builder(catalog)
    network = release.structure.blank(catalog)
    bare = host.bare(network)
    state = host.renamed(bare, tensors)
    if several := rivals(bare.state_dict(), state):
        names = shown(", ".join(several), 200)
        raise UntrustedFile(f"{path}: holds several networks, under {names}; save the one that is used")
    return None if partly_loaded(bare, state) is None else network.eval()


def _refusing(error: Unreadable) -> Answers:
    def answer(x: Tensor) -> Any:
        raise error

    return answer


def _answering(network: nn.Module, name: str, goal: Goal) -> Answers:
    def answer(x: Tensor) -> Any:
        try:
            if goal is not Goal.CLASSIFICATION:
                return outputs(network, x)
            return plain_answers(_outputs(network, x), len(x), None)
        except UnusableAnswer:
            raise
        except (RuntimeError, TypeError, ValueError) as error:
            raise Unreadable(f"{name}: the weights make no network that runs: {error}") from error

    return answer


def _outputs(network: nn.Module, x: Tensor) -> Any:
    """Probabilities; or, of a module that answers with more than a tensor, what it says."""
    try:
        return outputs(network, x).softmax(1)
    except (AttributeError, IndexError):
        with torch.no_grad():
            return network.eval()(x.to(next((p.device for p in network.parameters()), x.device)))
