"""How often fresh keys claim networks that are not theirs: `python benchmarks/whose.py --out whose.json`.

About 1,130 real suspects on digits, trained in parallel on the CPU and read on a GPU if there is one: unmarked networks
with other data, of other architectures, trained with noise or adversarially; networks marked with another key of the
same scheme or by another scheme; services that answer one class, love one class, or guess on strange inputs. On each a
fresh key of every scheme stands for the owner's and 99 more are its decoys; the null models are 20 further networks.
`--smoke` does the same with a handful of suspects.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import BlackBox, HostView, Task
from ownmark.discovery import discover
from ownmark.loops import Fitter
from ownmark.methods import Kind
from ownmark.runner.plan import Split
from ownmark.runner.seeds import rng_for
from ownmark.runner.splits import divide
from ownmark.stats import calibrated_threshold, clopper_pearson, exact_threshold, rank_among

KEYED = {
    name: {"keyed": True, "keys": 25}
    for name in ("content", "noise", "unrelated", "badnets", "blended", "patch")
}
SCHEMES: dict[str, dict[str, Any]] = {
    **KEYED, "adi": {"keys": 25}, "rose": {"keys": 25}, "guo": {"keys": 25}, "exponential_weighting": {"keys": 25},
    "piracy": {"keys": 25},
}  # fmt: skip
COUNTS = {
    "other data": 250, "mlp": 100, "linear": 100, "wide": 60, "narrow": 60, "noise-trained": 100, "adversarial": 100,
    "constant": 50, "loves a class": 100, "guesses on strange inputs": 100, "marked": 12,
}  # fmt: skip
BANK, DECOYS, NULLS = 300, 99, 20
CPU = torch.device("cpu")

CATALOG = discover()
HOST = CATALOG.build(Kind.HOST, "convnet", {})
PARTS = divide(CATALOG.build(Kind.DATASET, "digits", {}).load(), Split())
TASK = Task("digits/convnet", PARTS.shape, PARTS.classes, PARTS.owner)
MADE = {name: CATALOG.build(Kind.SCHEME, name, params) for name, params in SCHEMES.items()}
READERS = {
    name: CATALOG.build(Kind.EXTRACTOR, CATALOG.default_extractor(CATALOG.find(Kind.SCHEME, name)).id, {})
    for name in SCHEMES
}
KEYS: dict[str, list[Any]] = {}
THETA: dict[str, dict[float, float]] = {}
Answer = Callable[[Tensor], Tensor]


def reading_device() -> torch.device:
    """Where suspects answer."""
    return torch.device("cuda") if torch.cuda.is_available() else CPU


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


def marked(name: str, index: int) -> nn.Module:
    """A network with a key that stands in no bank."""
    scheme, rng = MADE[name], rng_for("marked", name, index)
    host = Fitter(CPU, rng)

    def trained() -> nn.Module:
        return Fitter(CPU, rng)(built("plain", rng), PARTS.owner, HOST.recipe)

    view = HostView(
        trained, lambda one: built("plain", one), HOST.recipe, tuple(HOST.terms()), tuple(HOST.transforms())
    )
    network: nn.Module = scheme.embed(
        view, scheme.make_key(TASK, rng_for("foreign", name, index)), TASK, host
    ).network
    return network.eval()


def answers(network: nn.Module) -> Answer:
    """What a network says, asked on the reading device: images -> logits on the CPU."""
    where = reading_device()
    network = network.to(where).eval()

    def answer(x: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([network(part.to(where)) for part in x.split(8192)]).cpu()

    return answer


def suspect(kind: str, index: int) -> tuple[Answer, float]:
    """What answers, and its accuracy."""
    rng = rng_for("suspect", kind, index)
    loved = int(torch.randint(PARTS.classes, (), generator=rng))
    if kind == "constant":
        answer: Answer = lambda x: torch.full((len(x),), loved)  # noqa: E731
    elif kind in ("loves a class", "guesses on strange inputs"):
        base = answers(innocent("other data", 10_000 + index))

        def answer(x: Tensor) -> Tensor:
            said = base(x)
            sure, label = said.softmax(1).max(1)
            other = torch.randint(PARTS.classes, label.shape, generator=rng) if kind[0] == "g" else loved
            return torch.where(sure > 0.95, label, other)
    elif kind.startswith("marked "):
        answer = answers(marked(kind.removeprefix("marked "), index))
    else:
        answer = answers(innocent(kind, index))
    said = answer(PARTS.test.x)
    said = said.argmax(1) if said.ndim == 2 else said
    return answer, float((said == PARTS.test.labels).float().mean())


def asked(job: tuple[str, int]) -> dict[str, Any]:
    """One suspect against every scheme: shares that the owner's key and its decoys match."""
    torch.set_num_threads(1)
    kind, index = job
    answer, accuracy = suspect(kind, index)
    found: dict[str, Any] = {"kind": kind, "accuracy": accuracy, "schemes": {}}
    for name in SCHEMES:
        order = torch.randperm(BANK, generator=rng_for("order", kind, index, name))[: DECOYS + 1].tolist()
        box = BlackBox(answer)
        rates = [one.rate for one in READERS[name].extract_many(box, [KEYS[name][i] for i in order])]
        ranked = rank_among(rates[0], rates[1:])
        found["schemes"][name] = {"own": rates[0], "p": ranked.p_value, "highest": ranked.highest}
    return found


def null_hits(index: int) -> dict[str, list[int]]:
    """Hits of twenty fresh keys of every scheme on one null model."""
    torch.set_num_threads(1)
    box = BlackBox(answers(innocent("other data", 20_000 + 2 * index)))
    return {name: [one.hits for one in READERS[name].extract_many(box, KEYS[name][:20])] for name in SCHEMES}


def bank(name: str) -> tuple[str, list[Any]]:
    """Fresh keys of a scheme, drawn once for all suspects."""
    torch.set_num_threads(1)
    return name, [MADE[name].make_key(TASK, rng_for("bank", name, i)) for i in range(BANK)]


def interval(claims: int, n: int) -> str:
    """A share with its 95 % interval, as text."""
    bounds = clopper_pearson(claims, n)
    return f"{claims / n:.4f} [{bounds.low:.4f}, {bounds.high:.4f}]"


def table(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Claims by scheme, by decoys alone, by null models alone, and by both; and the worst kind of suspect."""
    rows: dict[str, Any] = {}
    for name in SCHEMES:
        by_kind: dict[str, list[bool]] = defaultdict(list)
        counts: dict[str, int] = defaultdict(int)
        for one in found:
            read = one["schemes"][name]
            for rate in (0.05, 0.01):
                mine, there = read["p"] <= rate, read["own"] >= THETA[name][rate]
                for test, passed in (("decoys", mine), ("nulls", there), ("both", mine and there)):
                    counts[f"{test} {rate:g}"] += passed
            by_kind[one["kind"].split(" ")[0]].append(read["p"] <= 0.05)
        worst = max(by_kind, key=lambda kind: sum(by_kind[kind]) / len(by_kind[kind]))
        rows[name] = {
            "n": len(found), "theta": THETA[name],
            **{key: interval(value, len(found)) for key, value in counts.items()},
            "worst kind": f"{worst} {interval(sum(by_kind[worst]), len(by_kind[worst]))}",
        }  # fmt: skip
    return rows


def main() -> None:
    """Train, ask, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, default=Path("whose.json"))
    options.add_argument("--workers", type=int, default=16)
    options.add_argument("--share", type=float, default=1.0, help="of the suspects of each kind")
    options.add_argument("--smoke", action="store_true")
    given, start = options.parse_args(), time.perf_counter()
    counts = {
        kind: 1 if given.smoke else max(1, round(given.share * count)) for kind, count in COUNTS.items()
    }
    jobs = [(kind, i) for kind, count in counts.items() if kind != "marked" for i in range(count)]
    names = list(SCHEMES)[:2] if given.smoke else list(SCHEMES)
    jobs = [(f"marked {name}", i) for name in names for i in range(counts["marked"])] + jobs
    context = multiprocessing.get_context("fork")
    with context.Pool(given.workers) as pool:
        KEYS.update(pool.imap_unordered(bank, SCHEMES))
    with context.Pool(given.workers) as pool:  # its workers inherit the bank
        nulls = pool.map(null_hits, range(2 if given.smoke else NULLS), chunksize=1)
        for name in SCHEMES:
            chance, n = KEYS[name][0].values.get("chance"), len(KEYS[name][0]["labels"])
            n = n // 2 if name == "piracy" else n
            hits = [row[name] for row in nulls]
            THETA[name] = {
                rate: (
                    calibrated_threshold(hits, n, rate, 1 / PARTS.classes) if chance is None
                    else exact_threshold(n, chance, rate, hits)
                ).theta
                for rate in (0.05, 0.01)
            }  # fmt: skip
        found = list(pool.imap_unordered(asked, jobs, chunksize=1))
    rows = table(found)
    about = {"seconds": time.perf_counter() - start, "device": str(reading_device()), "suspects": len(found)}
    given.out.write_text(json.dumps({"about": about, "table": rows, "suspects": found}, indent=1))
    print(json.dumps({"about": about, "table": rows}, indent=1))


if __name__ == "__main__":
    main()
