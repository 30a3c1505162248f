"""Who may claim what after overwriting and forging: Table I of the invariance paper on Uchida's mark."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from ownmark.contracts import Recipe, Samples, WhiteBox, outputs
from ownmark.discovery import discover
from ownmark.errors import NotApplicable, PlanError
from ownmark.methods import Kind
from ownmark_forgery.forger import host_view

UCHIDA = {"uchida": {"start": "trained"}}
STRONG = {"uchida": {"start": "trained", "strength": 10.0, "recipe": {"lr": 0.01}}}
DEEPIPR = {"deepipr": {"start": "trained", "message": "mine"}}


def accuracy(network: torch.nn.Module, samples: Samples) -> float:
    return float((outputs(network, samples.x).argmax(1) == samples.labels).float().mean())


def test_strong_overwriting_puts_the_thiefs_mark_in_the_owners_place(
    loot: Any, attack: Any, uchida: Any, fit: Any, rng: Any
) -> None:
    stolen = loot.stolen()
    assert uchida.extract(WhiteBox(stolen.network), loot.key).rate == 1
    suspect = attack("overwrite", scheme=STRONG).attack(stolen, fit, rng)
    found = suspect.exhibits
    assert (found["forged_hits"], found["forged_n"], found["forged_claim"]) == (160, 160, 1.0)
    assert 60 <= found["forged_hits_before"] <= 100
    assert uchida.extract(WhiteBox(suspect.network), loot.key).rate < 0.75
    assert accuracy(suspect.network, loot.test) > accuracy(stolen.network, loot.test) - 0.03


def test_overwriting_another_layer_leaves_the_owners_mark(
    loot: Any, attack: Any, uchida: Any, fit: Any, rng: Any
) -> None:
    guess = {"uchida": {"start": "trained", "strength": 0.1, "layer": "features.1.conv"}}
    suspect = attack("overwrite", scheme=guess).attack(loot.stolen(), fit, rng)
    assert suspect.exhibits["forged_claim"] == 1.0
    assert uchida.extract(WhiteBox(suspect.network), loot.key).rate > 0.98


def test_overwriting_with_other_norms_can_be_restored(loot: Any, attack: Any, fit: Any, rng: Any) -> None:
    one = attack("overwrite", scheme={"deepipr": {**DEEPIPR["deepipr"], "recipe": {"epochs": 1}}})
    stolen = loot.stolen()
    suspect = one.attack(stolen, fit, rng)
    restored = one.restore(copy.deepcopy(stolen.network), suspect.network.state_dict()).eval()
    assert torch.equal(outputs(restored, loot.test.x), outputs(suspect.network, loot.test.x))
    assert "forged_private_accuracy" in suspect.exhibits


def test_projections_drawn_until_they_fit_read_any_text(
    loot: Any, attack: Any, uchida: Any, fit: Any, rng: Any
) -> None:
    stolen = loot.stolen()
    before = copy.deepcopy(stolen.network.state_dict())
    suspect = attack(
        "ambiguity", scheme={"uchida": {"start": "trained", "message": "it is all mine"}}
    ).attack(stolen, fit, rng)
    found = suspect.exhibits
    assert (found["forged_hits"], found["forged_n"], found["forged_claim"]) == (112, 112, 1.0)
    assert found["forged_way"] == "resample"
    assert all(torch.equal(v, before[k]) for k, v in suspect.network.state_dict().items())
    assert uchida.extract(WhiteBox(suspect.network), loot.key).rate == 1
    assert fit.samples_seen == 0


def test_random_passports_give_neither_signature_nor_accuracy(
    loot: Any, attack: Any, fit: Any, rng: Any
) -> None:
    found = attack("ambiguity", scheme=DEEPIPR, way="random").attack(loot.stolen(), fit, rng).exhibits
    assert found["forged_hits"] / found["forged_n"] < 0.65
    assert found["forged_private_accuracy"] < 0.5


def test_trained_scales_solved_for_passports_read_and_work(
    loot: Any, attack: Any, fit: Any, rng: Any
) -> None:
    one = attack("ambiguity", scheme=DEEPIPR, labels="granted", recipe={"epochs": 40, "lr": 0.03})
    found = one.attack(loot.stolen(), fit, rng).exhibits
    assert found["forged_way"] == "scale"
    assert found["forged_hits"] / found["forged_n"] > 0.95
    assert found["forged_private_accuracy"] > 0.9


def test_a_forger_works_with_the_stolen_networks_own_labels(
    loot: Any, attack: Any, fit: Any, rng: Any
) -> None:
    unlabelled = loot.stolen().images().unlabelled()
    quick = {"uchida": {"start": "trained", "bits": 8, "recipe": {"epochs": 1}}}
    found = attack("overwrite", scheme=quick).attack(loot.stolen(unlabelled), fit, rng).exhibits
    assert found["forged_n"] == 8


def test_a_forger_without_images_is_refused(loot: Any, attack: Any, fit: Any, rng: Any) -> None:
    with pytest.raises(NotApplicable, match="needs images"):
        attack("ambiguity", scheme=UCHIDA).attack(loot.stolen(None), fit, rng)


def test_a_thiefs_blank_host_is_the_stolen_architecture_with_other_weights(loot: Any, rng: Any) -> None:
    stolen = loot.stolen()
    blank = host_view(stolen, Recipe()).blank
    networks = [blank(torch.Generator().manual_seed(seed)).state_dict() for seed in (1, 1, 2)]
    weights = [torch.cat([state[name].flatten() for name in state if "conv" in name]) for state in networks]
    theirs = torch.cat([v.flatten() for name, v in stolen.network.state_dict().items() if "conv" in name])
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert abs(np.corrcoef(weights[0], theirs)[0, 1]) < 0.05


@pytest.mark.parametrize("name", ["overwrite", "ambiguity"])
def test_schemes_that_start_from_scratch_are_refused_early(loot: Any, attack: Any, name: str) -> None:
    with pytest.raises(NotApplicable, match="start: trained"):
        attack(name, scheme="uchida").check(loot.stolen().network, (1, 8, 8), 10)


def test_messages_too_long_for_the_network_are_refused_early(loot: Any, attack: Any) -> None:
    long = {"uchida": {"start": "trained", "bits": 100_000}}
    with pytest.raises(NotApplicable, match="do not fit"):
        attack("overwrite", scheme=long).check(loot.stolen().network, (1, 8, 8), 10)


def test_unknown_ways_are_named(loot: Any, attack: Any) -> None:
    with pytest.raises(NotApplicable, match="it can by: resample, random, passports, scale"):
        attack("ambiguity", scheme=DEEPIPR, way="magic").check(loot.stolen().network, (1, 8, 8), 10)


def test_the_extractor_is_the_one_of_the_schemes_name(attack: Any) -> None:
    assert attack("overwrite", scheme="uchida").config.extractor.id == "uchida"
    other = attack("overwrite", scheme=DEEPIPR, extractor="passport_aware")
    assert other.config.extractor.id == "passport_aware"


def test_a_scheme_is_required() -> None:
    with pytest.raises(PlanError, match="scheme"):
        discover().build(Kind.ATTACK, "ambiguity", {})
