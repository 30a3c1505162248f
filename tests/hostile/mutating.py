"""Plans and JSON changed at random, by seed: in their text, and in what the text means."""

from __future__ import annotations

import json
import random
from typing import Any

import yaml

PLANS = (
    """
tasks: [{dataset: {digits: {limit_train: 60, limit_test: 20}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]
schemes: [{uchida: {bits: 16}}, {content: {keys: 10, target: 3}}]
attacks: [none, {prune: , sweep: {sparsity: [0.2, 0.4]}}, {finetune: {recipe: {epochs: 1}}, for: uchida}]
seeds: [0, 1]
attacker: {data: 0.2, labels: true}
split: {reserve: 0.3, seed: 1}
verdict: {rate: 0.05, null_models: 2, keys: 3}
removal: {kind: relative, amount: 0.9}
""",
    """
about: extractors and metrics
datasets: [{digits: {size: 32, limit_train: 60, limit_test: 20}, as: big}]
hosts: [{convnet: {norm: none}}, {lenet5: {activation: relu}}]
schemes: {patch: {keys: 5, size: 2, style: checker}, as: mark}
attacks: [{neuron_scale: {alpha: 0.5, exponents: [0, 4], then: finetune}}, {gaussian_blur: {sigma: 0.5}}]
extractors: [default]
metrics: [agreement, relative_weight_distance]
figures: all
""",
    """
about: null models, protocols, thieves that collude, pictures
datasets: [{digits: {limit_train: 60, limit_test: 20}}]
hosts: [{convnet: {width: 0.25, recipe: {epochs: 1, batch_size: 16, lr: 0.1}}}, mobilenet_v2]
schemes: [{riga: {bits: 16}, for: digits/convnet}, {content: {keys: 10}, as: mine}]
attacks: [none, {overwrite: {scheme: {uchida: {bits: 16, start: trained}}}}, {finetune: , given: {protocol: app}}]
requires: ["ownmark>=0", ownmark-triggers]
attacker: {data: 10, source: owner, copies: 2, access: weights}
transfer: {digits: {size: 16, limit_train: 30}}
split: {reserve: 0.2}
verdict: {null_models: 3, keys: 2, nulls: {data: owner, hosts: [lenet5]}, tests: both, decoys: 20, every_epoch: 1}
landscape: {points: 3, images: 10, steps: 2}
recompute: on-upgrade
""",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 10**9, 10**30, -(10**18), 0.5, 1e-320, 1e308, float("inf"), float("-inf"), float("nan"), "",
    "x", "none", "default", "../..", "\u202e", "a" * 5000, [], {}, [[]], [None], {"a": 1, "b": 2}, {"id": "prune"},
    {"sweep": {"x": [1]}}, [1, "a", None], list(range(2000)), "2026-13-45", "0x_", {"recipe": {"lr": float("inf")}},
)  # fmt: skip
SNIPPETS = (
    "2026-13-45", "0x_", "!!int abc", "9" * 5000, "!!python/name:os.system ", "!!set {a}", "&a [*a]", "*a", "[" * 300,
    "{a: " * 60, "<<: ", "? ", ": ", "- ", "\t", "\x00", "\x1b[2J", "\ufeff", "%", "@", "`", "'", '"', "|", ">", "#",
    "\n", "1: x\n", "---\n", "...", "~", "null", ".inf", "-.inf", ".nan", "1e999", "1:30", "0b_", "!!binary x",
    "!!float x",
    "\ud7ff", "\u2028", "🂡",
)  # fmt: skip


def mutated(seed: str) -> str:
    """A plan with one to four changes."""
    rng = random.Random(seed)
    text = rng.choice(PLANS)
    if rng.random() < 0.6:
        data = changed(yaml.safe_load(text), rng)
        return yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    for _ in range(rng.randint(1, 4)):
        text = _edited(text, rng)
    return text


def changed(data: Any, rng: random.Random, odd: tuple[Any, ...] = ODD) -> Any:
    """A nested value of the kind that JSON and YAML hold, with one to four changes made in place."""
    for _ in range(rng.randint(1, 4)):
        _change(data, rng, odd)
    return data


def _edited(text: str, rng: random.Random) -> str:
    start = rng.randrange(len(text) + 1)
    end = min(len(text), start + rng.choice([0, 0, 1, 3, 10, 40]))
    return text[:start] + rng.choice([rng.choice(SNIPPETS), "", text[start:end] * 2]) + text[end:]


def _change(data: Any, rng: random.Random, odd: tuple[Any, ...]) -> None:
    """Change one place of a nested value: another value, no value, another name, a value from elsewhere."""
    places = list(_places(data))
    if not places:
        return
    holder, key = rng.choice(places)
    kind = rng.random()
    if kind < 0.6:
        holder[key] = json.loads(json.dumps(rng.choice(odd)))
    elif kind < 0.7:
        del holder[key]
    elif kind < 0.85 and isinstance(holder, dict):
        holder[rng.choice(["xyz", "", "id", "params", "as", "sweep", 3, None])] = holder.pop(key)
    else:
        other, there = rng.choice(places)
        if there in other if isinstance(other, dict) else there < len(other):
            holder[key] = yaml.safe_load(yaml.safe_dump(other[there]))


def _places(data: Any) -> list[tuple[Any, Any]]:
    keys = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    return [place for key in list(keys) for place in ((data, key), *_places(data[key]))]
