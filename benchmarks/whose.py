"""How often fresh keys claim networks that are not theirs: `python benchmarks/whose.py --out whose.jsonl`.

1,176 suspects (`suspects.py`). On each a fresh key of every scheme stands for the owner's and 99 more are its decoys;
the null models are 20 further networks. Where a key is born in embedding, one of a few owners' keys stands for it, and
its only decoys are those that it keeps. Verdicts are those of `ownmark.runner.verdict`, without the clean images that a
black box is asked first. Beside them, on the same answers and without null models, what is sent to a service: `fixed`,
the key and the fewest fresh keys, and `sequential`, which stops early. Half an hour on one core, in pieces if
`--seconds` says so.
`--smoke` does the same with a handful. Tables: `whose_tables.py`.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from suspects import (
    BORN,
    CATALOG,
    COUNTS,
    CPU,
    FRESH,
    MADE,
    MARKED,
    PARTS,
    READERS,
    SCHEMES,
    TASK,
    answers,
    born_key,
    null_model,
    suspect,
)
from torch import nn
from whose_tables import printed

from ownmark.contracts import BlackBox, Evidence, Extractor, Key, WhiteBox
from ownmark.errors import Unreadable
from ownmark.methods import Kind, Need
from ownmark.ownership.staged import Staged
from ownmark.runner.decoys import fewest_decoys
from ownmark.runner.kept import UNLIKE, kept_keys
from ownmark.runner.reading import UNREADABLE
from ownmark.runner.seeds import rng_for
from ownmark.runner.thresholds import guess_of, threshold_of
from ownmark.runner.verdict import Basis, verdict
from ownmark.stats import Decoys, Looks, Threshold, binomial_tail, least_decoys, rank_among, symbols_to_claim

BANK, DECOYS, NULLS, NULL_KEYS = 300, 99, 20, 20
OWNERS = {"frontier_stitching": 20}
"""Keys of a scheme whose keys are born in embedding, where not four."""
RATES = (0.05, 0.01)
WHITE = {name for name in SCHEMES if Need.WHITE_BOX in CATALOG.find(Kind.SCHEME, name).needs}
CUT = [name for name in FRESH if type(READERS[name]).part is not Extractor.part]
"""Schemes whose keys can be read in part, which the sequential test takes."""
Rates = dict[str, list[list[float]]]


def bank(smoke: bool, folder: Path) -> dict[str, list[Key]]:
    """Fresh keys of each scheme, drawn once for all suspects; of schemes without, a few owners' keys.

    Args:
        folder: keeps the owners' keys for the next piece of the run.
    """
    keys = {
        name: [MADE[name].make_key(TASK, rng_for("bank", name, i)) for i in range(BANK)] for name in FRESH
    }
    return keys | {
        name: [kept_key(folder, name, i) for i in range(1 if smoke else OWNERS.get(name, 4))] for name in BORN
    }


def decoys_of(name: str, key: Key, others: Sequence[Key], suspect: tuple[str, int]) -> list[Key]:
    """What a suspect is asked beside a key: fresh ones, or those that a key born in embedding keeps, if it does."""
    if name in FRESH:
        return list(others[:DECOYS])
    kept = kept_keys(MADE[name], key, lambda i: rng_for("kept", name, *suspect, i), CPU)
    return [] if kept is None else [kept(i) for i in range(DECOYS)]


def kept_key(folder: Path, name: str, index: int) -> Key:
    """An owner's key, as an earlier piece of the run made it."""
    path = folder / f"{name}-{index}.safetensors"
    if not path.exists():
        folder.mkdir(exist_ok=True)
        born_key(name, index).save(path)
    return Key.load(path)


def read(name: str, view: WhiteBox | BlackBox, keys: Sequence[Key]) -> list[Evidence]:
    """What a scheme's extractor reads with each key."""
    extractor: Extractor = READERS[name]
    return extractor.extract_many(view, list(keys))


def null_rates(keys: dict[str, list[Key]], count: int) -> Rates:
    """Shares that match, scheme -> [null models][keys of the bank]."""
    found: Rates = defaultdict(list)
    for index in range(count):
        network = null_model(index)
        for name in SCHEMES:
            view = WhiteBox(network) if name in WHITE else BlackBox(answers(network))
            found[name].append([one.rate for one in read(name, view, keys[name])])
    return found


def early(own: Evidence, decoys: Sequence[Evidence], rate: float) -> bool:
    """Whether `verify --sequential` claims: by betting where chance is known, else by fresh keys in two stages."""
    if own.chance is not None:
        return symbols_to_claim(own.matches.tolist(), max(own.chance, 1 / PARTS.classes), rate) is not None
    begins, decoys = Looks(rate, own.n).first, decoys[: least_decoys(rate)]
    mine, *others = [int(one.matches[:begins].sum()) / begins for one in (own, *decoys)]
    staged = Staged(mine, others)
    return staged.rank(own.rate, [decoys[i].rate for i in staged.read_on]).p_value <= rate


def at_once(own: Evidence, decoys: Sequence[Evidence], rate: float) -> bool:
    """Whether the key and the fewest fresh keys claim, as `verify` sends them to a service."""
    ranked = rank_among(own.rate, [one.rate for one in decoys[: fewest_decoys(rate)]])
    exact = own.chance is None or binomial_tail(own.hits, own.n, own.chance) <= rate
    return exact and ranked.p_value <= rate


@cache
def threshold_on(
    hits: tuple[tuple[int, ...], ...], n: int, chance: float | None, rate: float, guess: float | None
) -> Threshold:
    """`threshold_of`, once for all suspects."""
    return threshold_of([list(row) for row in hits], n, chance, rate, guess)


def verdicts(
    own: Evidence, decoys: Sequence[Evidence], nulls: Sequence[Sequence[float]], key: int, born: bool
) -> Iterator[str]:
    """Tests and rates that claim.

    Args:
        nulls: [null models][keys of the bank]. key: which of them is the owner's. born: in embedding.
    """
    ranked: Decoys | None = rank_among(own.rate, [one.rate for one in decoys]) if decoys else None
    mine = [row[key] for row in nulls]
    hits = tuple(
        tuple(round(rate * own.n) for rate in ([row[key]] if born else row[:NULL_KEYS])) for row in nulls
    )
    for rate in RATES:
        threshold = threshold_on(hits, own.n, own.chance, rate, guess_of(own.symbol, PARTS.classes))
        for tests in ("decoys", "nulls", "both") if decoys else ("nulls",):
            basis = Basis(threshold, mine, ranked, "" if decoys else UNLIKE, tests)
            if verdict(own.hits, own.n, own.chance, basis)["claim"]:
                yield f"{tests} {rate:g}"


def on_a_service(own: Evidence, decoys: Sequence[Evidence]) -> Iterator[str]:
    """Of the fixed and the sequential test: which claim, at which rate."""
    for rate in RATES:
        if at_once(own, decoys, rate):
            yield f"fixed {rate:g}"
        if early(own, decoys, rate):
            yield f"sequential {rate:g}"


def asked(job: tuple[str, int], keys: dict[str, list[Key]], nulls: Rates) -> dict[str, Any]:
    """One suspect against every scheme; weights that a scheme cannot read are not claimed."""
    kind, index = job
    faced, found = suspect(kind, index), {}
    for name in SCHEMES:
        order = torch.randperm(len(keys[name]), generator=rng_for("order", kind, index, name)).tolist()
        mine, *others = [keys[name][i] for i in order]
        try:
            view = _view(name, faced.network, faced.answer)
            own, *decoys = read(name, view, [mine, *decoys_of(name, mine, others, job)])
        except UNREADABLE:
            found[name] = {"key": order[0], "own": None, "claims": []}
            continue
        claims = list(verdicts(own, decoys, nulls[name], order[0], name in BORN))
        if name in CUT:
            claims += on_a_service(own, decoys)
        found[name] = {"key": order[0], "own": own.rate, "claims": claims}
    return {"kind": kind, "index": index, "accuracy": faced.accuracy, "schemes": found}


def _view(name: str, network: nn.Module | None, answer: Any) -> WhiteBox | BlackBox:
    if name not in WHITE:
        return BlackBox(answer)
    if network is None:
        raise Unreadable("there is no network behind these answers")
    return WhiteBox(network)


def kept_rates(path: Path, make: Callable[[], Rates]) -> Rates:
    """What an earlier piece of the run made."""
    if not path.exists():
        path.write_text(json.dumps(make()))
    rates: Rates = json.loads(path.read_text())
    return rates


def jobs(smoke: bool, skip: float) -> list[tuple[str, int]]:
    """All suspects, in an order that leaves a fair sample wherever it breaks off."""
    names = list(FRESH)[:2] if smoke else list(FRESH)
    kinds = {f"marked {name}": MARKED for name in names} | COUNTS
    everything = [
        (kind, i)
        for kind, count in kinds.items()
        for i in range(1 if smoke else count)
        if i >= round(skip * count)
    ]
    order = torch.randperm(len(everything), generator=rng_for("order of suspects")).tolist()
    return [everything[place] for place in order]


def main() -> None:
    """Train, ask, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, default=Path("whose.jsonl"))
    options.add_argument(
        "--seconds", type=float, default=math.inf, help="stop then; the same command goes on"
    )
    options.add_argument("--skip", type=float, default=0.0, help="share of each kind that was asked already")
    options.add_argument("--smoke", action="store_true")
    given, start = options.parse_args(), time.perf_counter()
    found = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out.exists() else []
    done = {(one["kind"], one["index"]) for one in found}
    if missing := [job for job in jobs(given.smoke, given.skip) if job not in done]:
        keys = bank(given.smoke, given.out.with_suffix(".keys"))
        nulls = kept_rates(
            given.out.with_suffix(".null_rates.json"), lambda: null_rates(keys, 3 if given.smoke else NULLS)
        )
        with given.out.open("a") as file:
            for job in missing:
                if time.perf_counter() - start > given.seconds:
                    break
                found.append(asked(job, keys, nulls))
                print(json.dumps(found[-1]), file=file, flush=True)
    print(printed(found, list(FRESH), list(BORN), CUT))


if __name__ == "__main__":
    main()
