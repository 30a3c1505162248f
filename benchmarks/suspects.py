"""Suspects that know nothing of a key, on digits: what `whose.py` and `false_claims.py` ask.

Unmarked networks with other data, of other architectures, trained with noise or adversarially; networks marked with
another key of the same scheme or by another scheme; services that answer one class, love one class, or guess.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import HostView, Key, Marked, Task
from ownmark.discovery import discover
from ownmark.loops import Fitter
from ownmark.methods import Kind
from ownmark.runner.noisy import Noise
from ownmark.runner.plan import Split
from ownmark.runner.seeds import rng_for
from ownmark.runner.splits import divide

KEYED = ("content", "noise", "unrelated", "badnets", "blended", "patch")
FRESH: dict[str, dict[str, Any]] = {
    **{name: {"keyed": True, "keys": 25} for name in KEYED},
    **{name: {"keys": 25} for name in ("adi", "rose", "guo", "exponential_weighting", "piracy")},
    "uchida": {}, "greedy_residuals": {"bits": 64, "columns": 72, "signature": "ed25519"},
}  # fmt: skip
"""Schemes whose keys anybody may draw afresh, with what they are asked with."""
BORN: dict[str, dict[str, Any]] = {
    "frontier_stitching": {"keys": 26}, **{name: {"keys": 25} for name in ("ewe", "blind", "ntl", "cae")}
}  # fmt: skip
"""Schemes whose keys are born in embedding."""
SCHEMES = {**FRESH, **BORN}
COUNTS = {
    "other data": 250, "mlp": 100, "linear": 100, "wide": 60, "narrow": 60, "noise-trained": 100, "adversarial": 100,
    "constant": 50, "loves a class": 100, "guesses on strange inputs": 100,
}  # fmt: skip
"""Suspects of each kind, beside `MARKED` of each scheme of `FRESH`."""
MARKED = 12
CPU, CHUNK = torch.device("cpu"), 256

CATALOG = discover()
HOST = CATALOG.build(Kind.HOST, "convnet", {})
PARTS = divide(CATALOG.build(Kind.DATASET, "digits", {}).load(), Split())
TASK = Task("digits/convnet", PARTS.shape, PARTS.classes, PARTS.owner)
MADE = {name: CATALOG.build(Kind.SCHEME, name, params) for name, params in SCHEMES.items()}
READERS = {
    name: CATALOG.build(Kind.EXTRACTOR, CATALOG.default_extractor(CATALOG.find(Kind.SCHEME, name)).id, {})
    for name in SCHEMES
}
Answer = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Suspect:
    """What answers, the network behind it (None: there is none), and the accuracy of the answers."""

    answer: Answer
    network: nn.Module | None
    accuracy: float


def built(kind: str, rng: torch.Generator) -> nn.Module:
    """An untrained network of that kind."""
    pixels = PARTS.shape[1] * PARTS.shape[2]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (), generator=rng)))
        if kind == "mlp":
            return nn.Sequential(
                nn.Flatten(), nn.Linear(pixels, 128), nn.ReLU(), nn.Linear(128, PARTS.classes)
            )
        if kind == "linear":
            return nn.Sequential(nn.Flatten(), nn.Linear(pixels, PARTS.classes))
        width = {"wide": 1.5, "narrow": 0.5}.get(kind, 1.0)
        host: nn.Module = CATALOG.build(Kind.HOST, "convnet", {"width": width}).build(
            PARTS.shape, PARTS.classes
        )
        return host


def adversarial(network: nn.Module, batch: Any, step: int) -> Tensor:
    """Loss term: cross entropy on images moved .1 along the sign of the gradient."""
    x = batch.x.detach().clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(F.cross_entropy(network(x), batch.labels), x)
    return F.cross_entropy(network((x + 0.1 * slope.sign()).clamp(0, 1).detach()), batch.labels)


def noisy(batch: Any, rng: torch.Generator) -> Any:
    """Batch transform: Gaussian noise of .2."""
    noise = torch.randn(batch.x.shape, generator=rng, device=rng.device).to(batch.x)
    return batch.with_images((batch.x + 0.2 * noise).clamp(0, 1))


def innocent(kind: str, index: int) -> nn.Module:
    """A network that carries no mark, of images the owner never had, or of half of all, drawn anew for each."""
    rng = rng_for("innocent", kind, index)
    everyone = PARTS.owner + PARTS.pool
    data = (
        PARTS.pool
        if index % 2
        else everyone.select(torch.randperm(len(everyone), generator=rng)[: len(everyone) // 2])
    )
    terms = (adversarial,) if kind == "adversarial" else HOST.terms()
    transforms = (noisy,) if kind == "noise-trained" else ()
    recipe = HOST.recipe.change(lr=0.1) if kind == "linear" else HOST.recipe
    return Fitter(CPU, rng)(built(kind, rng), data, recipe, terms=terms, transforms=transforms)


def null_model(index: int) -> nn.Module:
    """A null model as verdicts have it: images the owner never had, or half of the owner's; every third with noise."""
    rng, owner = rng_for("null model", index), PARTS.owner
    half = owner.select(torch.randperm(len(owner), generator=rng)[: (len(owner) + 1) // 2])
    seen = (Noise.like(owner, 0.5),) if index % 3 == 1 else ()
    terms, transforms = HOST.terms(), (*HOST.transforms(), *seen)
    data = PARTS.pool if index % 2 else half
    return Fitter(CPU, rng)(built("plain", rng), data, HOST.recipe, terms=terms, transforms=transforms)


def marked(name: str, index: int) -> Marked:
    """What a scheme makes of a fresh key that stands in no bank."""
    return marked_by(MADE[name], rng_for("marked", name, index), rng_for("foreign", name, index))


def marked_by(scheme: Any, rng: torch.Generator, drawing: torch.Generator) -> Marked:
    """What a scheme makes of the key that `drawing` draws."""

    def trained() -> nn.Module:
        return Fitter(CPU, rng)(built("plain", rng), PARTS.owner, HOST.recipe)

    view = HostView(
        trained, lambda one: built("plain", one), HOST.recipe, tuple(HOST.terms()), tuple(HOST.transforms())
    )
    made: Marked = scheme.embed(view, scheme.make_key(TASK, drawing), TASK, Fitter(CPU, rng))
    return made


def born_key(name: str, index: int) -> Key:
    """A key of a scheme of `BORN`, completed in embedding."""
    return marked(name, 50_000 + index).key


def answers(network: nn.Module) -> Answer:
    """What a network says: images -> logits. Images lie channels last, which is thrice as fast here."""
    network = network.eval().to(memory_format=torch.channels_last)

    def answer(x: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([network(part) for part in x.split(CHUNK)])

    return answer


def suspect(kind: str, index: int) -> Suspect:
    """The suspect of a kind, or `marked SCHEME`, with that number."""
    rng = rng_for("suspect", kind, index)
    chosen = int(torch.randint(PARTS.classes, (), generator=rng))
    network: nn.Module | None = None
    if kind == "constant":
        answer: Answer = lambda x: torch.full((len(x),), chosen)  # noqa: E731
    elif kind in ("loves a class", "guesses on strange inputs"):
        network = innocent("other data", 10_000 + index)
        answer = unsure(answers(network), rng, chosen if kind == "loves a class" else None)
    else:
        scheme = kind.removeprefix("marked ")
        network = innocent(kind, index) if scheme == kind else marked(scheme, index).network
        answer = answers(network)
    said = answer(PARTS.test.x)
    said = said.argmax(1) if said.ndim == 2 else said
    return Suspect(answer, network, float((said == PARTS.test.labels).float().mean()))


def unsure(base: Answer, rng: torch.Generator, loved: int | None) -> Answer:
    """Answers with the loved class, or at random, wherever the network behind is less than 95 % sure."""

    def answer(x: Tensor) -> Tensor:
        sure, label = base(x).softmax(1).max(1)
        other = torch.randint(PARTS.classes, label.shape, generator=rng) if loved is None else loved
        return torch.where(sure > 0.95, label, other)

    return answer
