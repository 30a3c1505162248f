"""How many images it takes to claim a marked network: `python benchmarks/queries.py --out queries.json`.

Digits; three owners a scheme, keys of the default size, in keyed mode where there is one; the marked network answers
behind a black box. `fixed` is what `ownmark verify` sends to a service, the key and as many fresh keys as the rate
takes; `sequential` is what `ownmark verify --sequential` sends. About 100 clean images come before either. A rate that
neither fresh keys nor a known chance can show is none. Six minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suspects import CATALOG, FRESH, KEYED, TASK, answers, marked_by
from whose import WHITE

from ownmark.contracts import BlackBox, Evidence, Extractor, Key, Scheme
from ownmark.methods import Kind
from ownmark.ownership.early import bet, look_twice, one_by_one
from ownmark.runner.decoys import decoy_rates, fewest_decoys, fresh_keys
from ownmark.runner.seeds import rng_for
from ownmark.stats import binomial_tail, least_decoys, rank_among

RATES, OWNERS = (0.05, 1e-3, 1e-6), 3


def fixed(reader: Extractor, box: BlackBox, found: Evidence, keys: Callable[[int], Key], rate: float) -> bool:
    """Whether the key and the fewest fresh keys claim."""
    count = fewest_decoys(rate)
    if count < least_decoys(rate) and found.chance is None:
        return False
    ranked = rank_among(found.rate, decoy_rates(reader, box, keys, count))
    exact = found.chance is None or binomial_tail(found.hits, found.n, found.chance) <= rate
    return exact and ranked.p_value <= max(rate, 1 / (count + 1))


def sequential(
    reader: Extractor,
    box: BlackBox,
    key: Key,
    n: int,
    chance: float | None,
    keys: Callable[[int], Key],
    rate: float,
) -> bool:
    """Whether the test that stops early claims."""
    if chance is not None and (said := bet(one_by_one(reader, box, key, n, None), chance, rate)) is not None:
        return said[1] <= rate
    found = reader.extract(box, key)
    ranked, _ = look_twice(reader, box, found, keys, rate, n, None, None)
    return ranked is not None and ranked.p_value <= rate


def asked(name: str, owner: int) -> list[dict[str, Any]]:
    """Images that each test sent at each rate; None where it did not claim."""
    scheme: Scheme = CATALOG.build(Kind.SCHEME, name, {"keyed": True} if name in KEYED else {})
    reader: Extractor = CATALOG.build(
        Kind.EXTRACTOR, CATALOG.default_extractor(CATALOG.find(Kind.SCHEME, name)).id, {}
    )
    made = marked_by(scheme, rng_for("queries", name, owner), rng_for("queries key", name, owner))
    keys, answer = (
        fresh_keys(scheme, TASK, lambda i: rng_for("queries decoy", name, owner, i), TASK.owner.device),
        answers(made.network),
    )
    whole = BlackBox(answer)
    found, rows = reader.extract(whole, made.key), []
    for rate in RATES:
        one, other = BlackBox(answer), BlackBox(answer)
        by_fixed = fixed(reader, one, found, keys, rate)
        by_sequence = sequential(reader, other, made.key, whole.queries, found.chance, keys, rate)
        rows.append(
            {"rate": rate, "key": whole.queries, "fixed": one.queries + whole.queries if by_fixed else None,
             "sequential": other.queries if by_sequence else None}
        )  # fmt: skip
    return rows


def median(values: list[int | None]) -> str:
    """The median where all claim, as text."""
    return "–" if None in values else f"{statistics.median(one for one in values if one is not None):,.0f}"


def main() -> None:
    """Mark, ask, print a table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, default=Path("queries.json"))
    options.add_argument("--smoke", action="store_true")
    given = options.parse_args()
    names = [name for name in FRESH if name not in WHITE][: 2 if given.smoke else None]
    found = {name: [asked(name, owner) for owner in range(1 if given.smoke else OWNERS)] for name in names}
    given.out.write_text(json.dumps(found, indent=1))
    print("| scheme | images a key |" + "".join(f" {rate:g}: fixed | sequential |" for rate in RATES))
    print("|---|---|" + "---|---|" * len(RATES))
    for name, owners in found.items():
        cells = [
            median([rows[place][test] for rows in owners])
            for place in range(len(RATES))
            for test in ("fixed", "sequential")
        ]
        print(f"| `{name}` | {owners[0][0]['key']} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
