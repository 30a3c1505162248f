"""Records like those of the runner, without a runner."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

SCHEMES = {
    "uchida": ("bit", 160, 0.5),
    "riga": ("bit", 128, 0.5),
    "content": ("label", 100, None),
    "ewe": ("label", 50, 0.1),
}
ATTACKS: dict[str, dict[str, Any]] = {
    "none": {},
    "prune": {"fraction": 0.9},
    "finetune": {"epochs": 3},
    "pst": {},
}
RATES = {"none": 1.0, "prune": 0.97, "finetune": 0.9, "pst": 0.5}


def method(name: str, params: dict[str, Any] | None = None, label: str | None = None) -> dict[str, Any]:
    return {"id": name, "label": label or name, "params": params or {}}


def cell(
    name: str, attacked: str, seed: int = 0, task: str = "digits/convnet", **changes: Any
) -> dict[str, Any]:
    """Cell of scheme `name` under attack `attacked`; `changes` replace whole parts."""
    dataset, host = task.split("/")
    made = {
        "task": task,
        "dataset": method(dataset),
        "host": method(host),
        "scheme": method(name),
        "attack": method(attacked, ATTACKS.get(attacked, {})),
        "extractor": {**method(name), "default": True},
        "seed": seed,
    }
    return made | changes


def record(scheme: str = "uchida", attack: str = "none", seed: int = 0, **changes: Any) -> dict[str, Any]:
    """A finished record whose every key is there."""
    symbol, n, chance = SCHEMES.get(scheme, ("bit", 64, 0.5))
    draw = random.Random(f"{scheme} {attack} {seed}")
    low = 0.5 if symbol == "bit" else 0.1
    rate = RATES.get(attack, 0.8)
    if attack == "pst" and symbol == "label":
        rate = 0.12
    if attack == "finetune" and scheme == "content":
        rate = 0.3
    hits = min(n, max(0, round(n * (rate - draw.random() * 0.04 * (rate < 1)))))
    theta_hits = round(n * (low + 0.1))
    claim = hits >= theta_hits
    utility = round(0.985 - (attack != "none") * draw.random() * 0.03, 4)
    outcome = "unattacked" if attack == "none" else "survived" if claim else "removed"
    made = {
        "id": f"{scheme}-{attack}-{seed}",
        "plan": "quickstart",
        "cell": cell(scheme, attack, seed),
        "status": "ok",
        "utility": {
            "metric": "accuracy", "higher_is_better": True, "host": 0.985, "marked": 0.983, "suspect": utility,
            "n": 400, "interval": [utility - 0.02, utility + 0.01],
        },
        "metrics": {"accuracy": {"value": utility, "n": 400, "interval": [0.95, 0.99], "higher_is_better": True}},
        "evidence": {
            "access": "white-box" if symbol == "bit" else "black-box", "hits": hits, "n": n, "rate": hits / n,
            "symbol": symbol, "chance": chance, "extras": {"correlation": 0.5},
        },
        "evidence_bare": None,
        "measured": {"fresh_triggers": {"hits": 90, "n": 100, "value": 0.9, "interval": [0.82, 0.95]}},
        "verdict": {
            "claim": claim, "p_value": 0.21 if not claim else 1e-9, "theta": theta_hits / n, "hits_needed": theta_hits,
            "stated_rate": 0.05, "rule": "exact" if symbol == "bit" else "conformal", "null_models": 8,
            "null_pairs": 160, "null_mean": low, "measured_rate": 0.04, "measured_interval": [0.01, 0.08],
            "rescaled": 1.0, "rescaled_floor": 0.0,
        },
        "removal": {"outcome": outcome, "criterion": {"kind": "relative", "amount": 0.9}},
        "granted": {"data": 300, "labels": True, "transfer": 0, "source": "disjoint"},
        "cost": {
            "seconds": {"host": 1.0, "marked": 2.0, "attacked": (10 + seed) / 100},
            "samples_seen": 10000, "queries": 100,
        },
        "reported": [],
        "exhibits": {},
        "provenance": {
            "ownmark": "0.1.0", "torch": "2.13.0", "device": "cpu",
            "methods": {"scheme": f"ownmark-whitebox 0.1.0 sha256:{scheme}"},
        },
    }  # fmt: skip
    return made | changes


def failed(scheme: str, attack: str, seed: int = 0, message: str = "no layer\nsecond line") -> dict[str, Any]:
    kept = {key: record(scheme, attack, seed)[key] for key in ("id", "plan", "cell", "granted", "provenance")}
    error = {"type": "RuntimeError", "message": message, "traceback": "Traceback ...", "stage": "attacked"}
    return kept | {"status": "failed", "error": error}


def quickstart() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """4 schemes x (no attack + 3 attacks) x 3 seeds, one cell failed and one not run; and its plan."""
    everything = [record(s, a, seed) for s in SCHEMES for a in ATTACKS for seed in range(3)]
    plan = {"name": "quickstart", "cells": [{"id": r["id"], "cell": r["cell"]} for r in everything]}
    kept = [r for r in everything if r["id"] != "ewe-prune-2"]
    return [failed("riga", "finetune", 1) if r["id"] == "riga-finetune-1" else r for r in kept], plan


def write_run(folder: Path, records: list[dict[str, Any]], plan: dict[str, Any] | None = None) -> Path:
    (folder / "records").mkdir(parents=True, exist_ok=True)
    if plan is not None:
        (folder / "plan.json").write_text(json.dumps(plan))
    for at, one in enumerate(records):
        (folder / "records" / f"{one.get('id', at)}.json").write_text(json.dumps(one))
    return folder
