"""False claims on innocents, free keys against derived ones: `python benchmarks/false_claims.py --out false.json`.

Digits. A claimant trains three networks of his own and fits a key's triggers to them; forty networks that he never saw
are asked, each with other data or another seed. Derived keys, another for every innocent, are left as the scheme draws
them. A claim: p <= 0.05 among 99 fresh keys, drawn anew for each innocent, and the threshold of eight null models.
CPU; two minutes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from suspects import CPU, HOST, MADE, READERS, TASK, answers, built, innocent, null_model
from whose_tables import interval

from ownmark.contracts import BlackBox
from ownmark.loops import Fitter
from ownmark.runner.seeds import rng_for
from ownmark.stats import calibrated_threshold, rank_among
from ownmark_forgery.false_claim.attack import fitted

NAMES = ("adi", "content", "noise", "guo", "exponential_weighting", "patch")
INNOCENTS, DECOYS, NULL_KEYS = 40, 99, 20


def claims(name: str, own: list[Any], boxes: list[BlackBox], nulls: list[BlackBox]) -> dict[str, str]:
    """How often a free and a derived key claim the innocents: by decoys alone, and by null models as well."""
    read = READERS[name].extract_many
    key = MADE[name].make_key(TASK, rng_for("claimant", name))
    free = key.add({"triggers": fitted(key["triggers"], key["labels"], own, 150, 0.05)})

    def fresh(*place: object) -> Any:
        return MADE[name].make_key(TASK, rng_for("false", name, *place))

    null_keys = [fresh("null", i) for i in range(NULL_KEYS)]
    hits = [[one.hits for one in read(null, null_keys)] for null in nulls]
    theta = calibrated_threshold(hits, len(key["labels"]), 0.05, 1 / TASK.classes).theta
    counts = dict.fromkeys(("free, decoys", "free, both", "derived, decoys", "derived, both"), 0)
    for number, box in enumerate(boxes):
        decoys = [fresh(number, i) for i in range(DECOYS)]
        first, second, *others = read(box, [free, fresh("derived", number), *decoys])
        for kind, found in (("free", first), ("derived", second)):
            mine = rank_among(found.rate, [other.rate for other in others]).p_value <= 0.05
            counts[f"{kind}, decoys"] += mine
            counts[f"{kind}, both"] += mine and found.rate >= theta
    return {kind: interval(count, len(boxes)) for kind, count in counts.items()}


def main() -> None:
    """Train, fit, ask, print."""
    options = argparse.ArgumentParser(description="False claims on innocents.")
    options.add_argument("--out", type=Path, default=Path("false.json"))
    given = options.parse_args()
    own = []
    for i in range(3):
        rng = rng_for("claimant's own", i)
        own.append(Fitter(CPU, rng)(built("plain", rng), TASK.owner, HOST.recipe).eval())
    boxes = [BlackBox(answers(innocent("other data", 30_000 + i))) for i in range(INNOCENTS)]
    nulls = [BlackBox(answers(null_model(100 + i))) for i in range(8)]
    rows: dict[str, dict[str, str]] = {}
    for name in NAMES:
        rows[name] = claims(name, own, boxes, nulls)
        given.out.write_text(json.dumps(rows, indent=1))
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
