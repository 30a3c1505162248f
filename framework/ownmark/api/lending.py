"""Live objects as the host and the dataset of a plan."""

from __future__ import annotations

import copy
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.api.data import as_images, digest_of_samples
from ownmark.api.held import hold
from ownmark.contracts.dataset import Images
from ownmark.contracts.tasks import Shape
from ownmark.contracts.views import device_of, evaluating
from ownmark.contracts.weights import write_tensors
from ownmark.errors import DataError, NotApplicable, OwnmarkError
from ownmark.wording import counted

RECIPE = {"epochs": 10, "optimizer": "adam", "lr": 1e-3, "weight_decay": 0.0}
"""Of null models and networks from scratch, where nothing else is said: the README's network knows 85 to 90 % of the
digits after it, and 10 to 26 % after as many epochs of SGD at 0.1."""


@dataclass(frozen=True)
class Lent:
    """A model and its data under names.

    Args:
        model: the owner's, untouched. images: what the data held. host, dataset: as a plan writes them.
        normalised: what is subtracted from pixels, and divided by, if anything.
    """

    model: nn.Module
    images: Images
    host: dict[str, Any]
    dataset: dict[str, Any]
    normalised: dict[str, Any]

    def saved(self) -> dict[str, Any] | None:
        """See `saved_host`."""
        return saved_host(self.model, self.images.shape, self.normalised)


def lend(
    model: nn.Module,
    data: Any,
    work: Path,
    *,
    test: Any = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    classes: int | None = None,
    build: Callable[[], nn.Module] | None = None,
    nulls: Sequence[Any] = (),
    recipe: Mapping[str, Any] | None = None,
) -> Lent:
    """Put a model and its data where stages find them.

    Args:
        data, test, mean, std, classes: as for `as_images`; or `data` are `Images` in pixels. work: folder for weights.
        build: gives a fresh network of the class; None draws the weights of a copy anew.
        nulls: independent networks without a mark: modules, or files of weights. recipe: trains further ones.
    """
    if not isinstance(model, nn.Module):
        raise OwnmarkError(f"model: expected a torch.nn.Module, got {type(model).__name__}")
    _require_weights(model)
    images = data if isinstance(data, Images) else as_images(data, test, mean, std, classes)
    scores = classes_of(model, images.shape)
    if scores is not None and scores < images.classes:
        one = "; one that gives a single score takes a second one, its negative say" if scores == 1 else ""
        raise DataError(
            f"data: labels up to {images.classes - 1}, and the model answers with {counted(scores, 'score')} an "
            f"image{one}"
        )
    images = replace(images, classes=classes or scores or images.classes)
    own = state_digest(model)
    target = hold("m", own, build or (lambda: freshened(model)))
    normalised = {name: list(map(float, v)) for name, v in (("mean", mean), ("std", std)) if v}
    files = weights_in(work, nulls, model)
    host: dict[str, Any] = {
        "target": target, "weights": str(_file(work / "weights.safetensors", model)), **normalised,
        "null_weights": [str(file) for file in files], "recipe": _recipe(recipe or {}),
    }  # fmt: skip
    name = lend_images(images)
    return Lent(model, images, {"module": host}, {"function": {"target": name}}, normalised)


def saved_host(model: nn.Module, shape: Shape, normalised: Mapping[str, Any]) -> dict[str, Any] | None:
    """The host as a later process can write it; None if it cannot make the model."""
    if configured := configuration_of(model, shape):
        return {"transformers": {"config": configured, **normalised}}
    importable = importable_class(model, shape)
    return {"module": {"target": importable, **normalised}} if importable else None


def _recipe(given: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe; who names an optimiser or a rate means those of plans for the rest."""
    named = {"optimizer", "lr", "weight_decay"} & given.keys()
    return ({"epochs": RECIPE["epochs"]} if named else RECIPE) | dict(given)


def lend_images(images: Images) -> str:
    """Hold a dataset; its name."""
    digest = digest_of_samples(images.train) + digest_of_samples(images.test)
    return hold("d", hashlib.sha256(digest.encode()).hexdigest(), lambda: images)


def state_digest(model: nn.Module) -> str:
    """SHA-256 of a module's structure and weights."""
    state = hashlib.sha256(repr(model).encode())
    for name, tensor in model.state_dict().items():
        state.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        state.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return state.hexdigest()


def freshened(model: nn.Module) -> nn.Module:
    """A copy with newly drawn weights: as its layers draw them, and values in another order where they cannot."""
    fresh = copy.deepcopy(model).cpu().float()
    drawn: set[int] = set()
    for module in fresh.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
            drawn |= {id(parameter) for parameter in module.parameters(recurse=False)}
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter.requires_grad_(True)
            if id(parameter) not in drawn:
                flat = parameter.reshape(-1)
                parameter.copy_(flat[torch.randperm(len(flat))].reshape(parameter.shape))
    return fresh.train()


def classes_of(model: nn.Module, shape: Shape) -> int | None:
    """Scores that the model gives an image; the data may not show all labels. None if it takes no such images.

    Raises:
        OwnmarkError: it answers with something else.
    """
    try:
        with evaluating(model):
            answer = _scores(model(torch.zeros(2, *shape, device=device_of(model))))
    except Exception:  # it is tried again, with a sentence, where the host is built
        return None
    if isinstance(answer, Tensor) and answer.ndim == 2:
        return int(answer.shape[1])
    found = f"a tensor {list(answer.shape)}" if isinstance(answer, Tensor) else f"a {type(answer).__name__}"
    raise OwnmarkError(
        f"model: answers 2 images with {found}; classifiers can be marked, which answer with scores [2, classes]. If "
        "it gives more than them, wrap it in a module that gives them alone"
    )


def _require_weights(model: nn.Module) -> None:
    """A network with parameters that are there; those of lazy layers come with the first batch."""
    if any(nn.parameter.is_lazy(one) for one in (*model.parameters(), *model.buffers())):
        raise OwnmarkError("model: has lazy layers that have seen no batch yet; call it once, and train it")


def importable_class(model: nn.Module, shape: Shape) -> str | None:
    """`module:Class` if a later process can import and call it without arguments, and gets the same network."""
    cls = type(model)
    if cls.__module__ in ("__main__", "builtins") or "." in cls.__qualname__:
        return None
    try:
        parameters = inspect.signature(cls).parameters.values()
    except (TypeError, ValueError):
        return None
    empty, named = inspect.Parameter.empty, (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    if any(one.default is empty and one.kind not in named for one in parameters):
        return None
    return f"{cls.__module__}:{cls.__qualname__}" if _makes_the_same(cls, model, shape) else None


def configuration_of(model: nn.Module, shape: Shape) -> dict[str, Any] | None:
    """What a model of the library transformers is built from, if it is one of its image classifiers."""
    if not type(model).__module__.startswith("transformers."):
        return None
    from ownmark.builtin.hosts.named_config import TransformersConfig
    from ownmark.builtin.hosts.transformers import Transformers

    told: dict[str, Any] = json.loads(model.config.to_json_string())  # type: ignore[union-attr,operator]
    kept = {
        n: v
        for n, v in told.items()
        if n not in ("id2label", "label2id", "transformers_version", "architectures")
    }
    try:
        made = Transformers(TransformersConfig(config=kept)).made(shape, int(model.config.num_labels))  # type: ignore[arg-type,union-attr]
    except NotApplicable:
        return None
    return kept if type(made) is type(model) and _makes_the_same(lambda: made, model, shape) else None


def _makes_the_same(make: Callable[[], nn.Module], model: nn.Module, shape: Shape) -> bool:
    """Whether a fresh network with the model's weights answers as the model does: what is not among them may differ."""
    own = copy.deepcopy(model).cpu().float().eval()
    x = torch.rand(4, *shape, generator=torch.Generator().manual_seed(0))
    try:
        made = make().float().eval()
        made.load_state_dict(own.state_dict())
        with torch.no_grad():
            return torch.allclose(_scores(made(x)), _scores(own(x)), rtol=1e-3, atol=1e-4, equal_nan=True)
    except Exception:  # it wants arguments, has other names, or answers with what is compared nowhere
        return False


def _scores(answer: Any) -> Any:
    return getattr(answer, "logits", answer)


def listed_nulls(nulls: Any) -> tuple[Any, ...]:
    """Null models that were given; one may stand alone. None where a number says how many to train."""
    if isinstance(nulls, nn.Module | str | Path):
        return (nulls,)
    return () if isinstance(nulls, int) else tuple(nulls)


def weights_in(work: Path, nulls: Sequence[Any], model: nn.Module | None = None) -> list[Path]:
    """Files of networks: those that are given, and those that modules are written to.

    Args:
        model: the one that is to be marked, which is no null model.
    """
    own = None if model is None else state_digest(model)
    for number, one in enumerate(nulls):
        if isinstance(one, nn.Module) and state_digest(one) == own:
            raise OwnmarkError(
                f"nulls: number {number} is the model itself; null models are independent networks without a mark"
            )
    return [_file(work / f"null-{i}.safetensors", one) for i, one in enumerate(nulls)]


def _file(path: Path, network: Any) -> Path:
    """Weights in a file."""
    if isinstance(network, nn.Module):
        state: dict[str, Tensor] = dict(network.state_dict())
        write_tensors(path, state, {"format": "pt"})
        return path
    if isinstance(network, str | Path):
        return Path(network).resolve()
    raise OwnmarkError(f"nulls: expected modules or files of weights, got {type(network).__name__}")
