"""How often fresh keys claim networks that are not theirs: `python benchmarks/whose.py --out whose.jsonl`.

1,176 suspects (`suspects.py`). On each a fresh key of every scheme stands for the owner's and 99 more are its decoys;
the null models are 20 further networks. Where a key is born in embedding, one of four owners' keys stands for it, and
there are no decoys. Verdicts are those of `ownmark.runner.verdict`, without the clean images that a black box is asked
first. About 25 minutes on one core, in pieces if `--seconds` says so. `--smoke` does the same with a handful.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from suspects import (
    BORN,
    CATALOG,
    COUNTS,
    FRESH,
    MADE,
    MARKED,
    PARTS,
    READERS,
    SCHEMES,
    TASK,
    answers,
    born_key,
    innocent,
    suspect,
)
from torch import nn

from ownmark.contracts import BlackBox, Evidence, Extractor, Key, WhiteBox
from ownmark.errors import Unreadable
from ownmark.methods import Kind, Need
from ownmark.runner.seeds import rng_for
from ownmark.runner.thresholds import guess_of, threshold_of
from ownmark.runner.verdict import BORN as NO_DECOYS
from ownmark.runner.verdict import Basis, verdict
from ownmark.stats import Decoys, Looks, clopper_pearson, rank_among, symbols_to_claim

BANK, DECOYS, NULLS, OWNERS, NULL_KEYS = 300, 99, 20, 4, 20
RATES = (0.05, 0.01)
WHITE = {name for name in SCHEMES if Need.WHITE_BOX in CATALOG.find(Kind.SCHEME, name).needs}
Rates = dict[str, list[list[float]]]


def bank(smoke: bool) -> dict[str, list[Key]]:
    """Fresh keys of each scheme, drawn once for all suspects; of schemes without, a few owners' keys."""
    keys = {
        name: [MADE[name].make_key(TASK, rng_for("bank", name, i)) for i in range(BANK)] for name in FRESH
    }
    owners = 1 if smoke else OWNERS
    return keys | {name: [born_key(name, i) for i in range(owners)] for name in BORN}


def read(name: str, view: WhiteBox | BlackBox, keys: Sequence[Key]) -> list[Evidence]:
    """What a scheme's extractor reads with each key."""
    extractor: Extractor = READERS[name]
    return extractor.extract_many(view, list(keys))


def null_rates(keys: dict[str, list[Key]], count: int) -> Rates:
    """Shares that match, scheme -> [null models][keys of the bank]."""
    found: Rates = defaultdict(list)
    for index in range(count):
        network = innocent("other data", 20_000 + 2 * index)
        for name in SCHEMES:
            view = WhiteBox(network) if name in WHITE else BlackBox(answers(network))
            found[name].append([one.rate for one in read(name, view, keys[name])])
    return found


def early(own: Evidence, decoys: Sequence[Evidence], rate: float = 0.05) -> bool:
    """Whether `verify --sequential` claims: by betting where chance is known, else by two looks at 39 decoys."""
    if own.chance is not None:
        return symbols_to_claim(own.matches.tolist(), max(own.chance, 1 / PARTS.classes), rate) is not None
    looks = Looks(rate, own.n)
    cut = [float(one.matches[: looks.first].float().mean()) for one in (own, *decoys[: looks.decoys])]
    said = looks.decided(rank_among(cut[0], cut[1:]).p_value)
    if said is None:
        said = rank_among(own.rate, [one.rate for one in decoys[: looks.decoys]]).p_value <= looks.each
    return said


def verdicts(
    own: Evidence, decoys: Sequence[Evidence], nulls: Sequence[Sequence[float]], key: int
) -> Iterator[str]:
    """Tests and rates that claim.

    Args:
        nulls: [null models][keys of the bank]. key: which of them is the owner's.
    """
    ranked: Decoys | None = rank_among(own.rate, [one.rate for one in decoys]) if decoys else None
    mine = [row[key] for row in nulls]
    hits = [[round(rate * own.n) for rate in (row[:NULL_KEYS] if decoys else [row[key]])] for row in nulls]
    for rate in RATES:
        threshold = threshold_of(hits, own.n, own.chance, rate, guess_of(own.symbol, PARTS.classes))
        for tests in ("decoys", "nulls", "both") if decoys else ("nulls",):
            basis = Basis(threshold, mine, ranked, "" if decoys else NO_DECOYS, tests)
            if verdict(own.hits, own.n, own.chance, basis)["claim"]:
                yield f"{tests} {rate:g}"
    if decoys and own.symbol == "label" and early(own, decoys):
        yield "sequential 0.05"


def asked(job: tuple[str, int], keys: dict[str, list[Key]], nulls: Rates) -> dict[str, Any]:
    """One suspect against every scheme; weights that a scheme cannot read are not claimed."""
    kind, index = job
    faced, found = suspect(kind, index), {}
    for name in SCHEMES:
        order = torch.randperm(len(keys[name]), generator=rng_for("order", kind, index, name))
        order = order[: DECOYS + 1 if name in FRESH else 1].tolist()
        try:
            own, *decoys = read(
                name, _view(name, faced.network, faced.answer), [keys[name][i] for i in order]
            )
        except Unreadable:
            found[name] = {"key": order[0], "own": None, "claims": []}
            continue
        claims = list(verdicts(own, decoys, nulls[name], order[0]))
        found[name] = {"key": order[0], "own": own.rate, "claims": claims}
    return {"kind": kind, "index": index, "accuracy": faced.accuracy, "schemes": found}


def _view(name: str, network: nn.Module | None, answer: Any) -> WhiteBox | BlackBox:
    if name not in WHITE:
        return BlackBox(answer)
    if network is None:
        raise Unreadable("there is no network behind these answers")
    return WhiteBox(network)


def interval(claims: int, n: int) -> str:
    """A share with its 95 % interval, as text."""
    bounds = clopper_pearson(claims, n)
    return f"{claims / n:.4f} [{bounds.low:.4f}, {bounds.high:.4f}]"


def table(found: Sequence[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Share of suspects claimed, by scheme, test and rate; and the worst kind of suspect at .05."""
    tests = [f"{test} {rate:g}" for rate in RATES for test in ("decoys", "nulls", "both")]
    tests.append("sequential 0.05")
    rows: dict[str, dict[str, str]] = {}
    for name in SCHEMES:
        claims = [one["schemes"][name]["claims"] for one in found]
        rows[name] = {test: interval(sum(test in one for one in claims), len(found)) for test in tests}
        by_kind: dict[str, list[bool]] = defaultdict(list)
        for one in found:
            decisive = "both 0.05" if name in FRESH else "nulls 0.05"
            by_kind[one["kind"].split(" ")[0]].append(decisive in one["schemes"][name]["claims"])
        worst = max(by_kind, key=lambda kind: sum(by_kind[kind]) / len(by_kind[kind]))
        rows[name]["worst kind"] = f"{worst} {interval(sum(by_kind[worst]), len(by_kind[worst]))}"
    return rows


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
        keys = bank(given.smoke)
        nulls = null_rates(keys, 3 if given.smoke else NULLS)
        with given.out.open("a") as file:
            for job in missing:
                if time.perf_counter() - start > given.seconds:
                    break
                found.append(asked(job, keys, nulls))
                print(json.dumps(found[-1]), file=file, flush=True)
    print(json.dumps({"suspects": len(found), "table": table(found)}, indent=1))


if __name__ == "__main__":
    main()
