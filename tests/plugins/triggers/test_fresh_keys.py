"""No suspect that knows nothing of a key is claimed with it more often than stated: every scheme, by its decoys.

Suspects are functions of images, so that thousands of them take seconds; `benchmarks/whose.py` asks trained networks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor

from ownmark.contracts import BlackBox, Extractor, Key, Scheme, Task
from ownmark.discovery import discover
from ownmark.methods import Kind, Need
from ownmark.runner.plan import Split
from ownmark.runner.seeds import rng_for
from ownmark.runner.splits import divide
from ownmark.stats import rank_among

BANK, DECOYS = 150, 99


def fresh_schemes() -> list[str]:
    """Schemes whose keys are drawn, not born in embedding, and read by asking."""
    catalog = discover()
    mine = [one for one in catalog.of(Kind.SCHEME) if one.target.startswith("ownmark_triggers.")]
    return [one.name for one in mine if Need.EMBEDDED_KEY not in one.needs]


@cache
def task() -> Task:
    parts = divide(discover().build(Kind.DATASET, "digits", {}).load(), Split())
    return Task("digits/convnet", parts.shape, parts.classes, parts.owner)


def asked_with(name: str) -> dict[str, Any]:
    """Parameters that make the scheme's keys the owner's own."""
    keyed = "keyed" in discover().find(Kind.SCHEME, name).load_config().__pydantic_fields__
    return {"keys": 25} | ({"keyed": True} if keyed else {})


Answer = Callable[[Tensor], Tensor]


def constant(rng: torch.Generator) -> Answer:
    label = int(torch.randint(10, (), generator=rng))
    return lambda x: torch.full((len(x),), label)


def guessing(rng: torch.Generator) -> Answer:
    return lambda x: torch.randint(10, (len(x),), generator=rng)


def linear(rng: torch.Generator) -> Answer:
    """Random weights: what it says of strange images depends on how they look."""
    weight, bias = torch.randn(64, 10, generator=rng), torch.randn(10, generator=rng)
    return lambda x: ((x.flatten(1) - 0.3) @ weight + bias).argmax(1)


def templates(rng: torch.Generator) -> Answer:
    """Knows the task: the nearest of ten means, of images drawn anew."""
    images = task().owner
    chosen = images.select(torch.randperm(len(images), generator=rng)[:100])
    means = torch.stack([chosen.x[chosen.labels == label].mean(0).flatten() for label in range(10)])
    return lambda x: torch.cdist(x.flatten(1), means.nan_to_num(9.0)).argmin(1)


def loving(rng: torch.Generator) -> Answer:
    """Knows the task, and says one class wherever two of the means are about as near."""
    base, label = templates(rng), int(torch.randint(10, (), generator=rng))

    def answer(x: Tensor) -> Tensor:
        steady = base(x) == base((x + 0.15 * torch.randn(x.shape, generator=rng)).clamp(0, 1))
        return torch.where(steady, base(x), label)

    return answer


SUSPECTS = (constant, guessing, linear, templates, loving)


@cache
def keys_of(name: str) -> tuple[Extractor, tuple[Key, ...]]:
    catalog = discover()
    scheme: Scheme = catalog.build(Kind.SCHEME, name, asked_with(name))
    reader = catalog.default_extractor(catalog.find(Kind.SCHEME, name)).id
    keys = tuple(scheme.make_key(task(), rng_for("simulated", name, i)) for i in range(BANK))
    return catalog.build(Kind.EXTRACTOR, reader, {}), keys


def p_values(name: str, suspects: int) -> Tensor:
    """Of one fresh key among 99 others, on each simulated suspect."""
    (reader, keys), found = keys_of(name), []
    for index in range(suspects):
        rng = rng_for("simulated suspect", name, index)
        answer = SUSPECTS[index % len(SUSPECTS)](rng)
        order = torch.randperm(BANK, generator=rng)[: DECOYS + 1].tolist()
        own, *others = (one.rate for one in reader.extract_many(BlackBox(answer), [keys[i] for i in order]))
        found.append(rank_among(own, others).p_value)
    return torch.tensor(found, dtype=torch.float64)


def held(name: str, suspects: int) -> None:
    found = p_values(name, suspects)
    for rate in (0.05, 0.01):
        claims = int((found <= rate + 1e-12).sum())
        # fewer than one false alarm of this check in a million
        assert stats.binom.sf(claims - 1, suspects, rate) > 1e-6, f"{claims} of {suspects} claimed at {rate}"


@pytest.mark.parametrize("name", fresh_schemes())
def test_fresh_keys_claim_no_more_suspects_than_stated(name: str) -> None:
    held(name, 100)


@pytest.mark.slow
@pytest.mark.parametrize("name", fresh_schemes())
def test_fresh_keys_claim_no_more_of_two_thousand_suspects_than_stated(name: str) -> None:
    held(name, 2000)


@pytest.mark.parametrize("name", ["content", "adi", "rose"])
def test_whoever_knows_the_key_is_claimed(name: str) -> None:
    """The same suspects with the owner's triggers learnt by heart."""
    reader, keys = keys_of(name)
    for index in range(10):
        answer = SUSPECTS[index % len(SUSPECTS)](rng_for("thief", name, index))
        own, others = keys[index], [key for key in keys if key is not keys[index]][:DECOYS]

        def learnt(x: Tensor, own: Key = own, answer: Answer = answer) -> Tensor:
            same = torch.cdist(
                x.flatten(1), own["triggers"].flatten(1), compute_mode="donot_use_mm_for_euclid_dist"
            ).min(1)
            return torch.where(same.values < 1e-5, own["labels"][same.indices], answer(x))

        mine, *rates = (one.rate for one in reader.extract_many(BlackBox(learnt), [own, *others]))
        assert rank_among(mine, rates).p_value <= 0.05
