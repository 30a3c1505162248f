"""Both schemes on digits: what is released, what stays with the owner, and what it is worth."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from ownmark.contracts import Samples, WhiteBox, outputs
from ownmark.testing.secrets import found_in
from ownmark_passports.branches import TwoBranch, insert, private_branch, release
from ownmark_passports.keys import redrawn
from ownmark_passports.reading import AfterExtractor, PassportExtractor, private_accuracy


def accuracy(network: nn.Module, samples: Samples) -> float:
    return float((outputs(network, samples.x).argmax(1) == samples.labels).float().mean())


def test_mark_is_read_completely(case: Any) -> None:
    found = PassportExtractor().extract(WhiteBox(case.marked.network), case.marked.key)
    assert (found.hits, found.n) == (192, 192)


def test_accuracies_of_both_branches_are_within_two_points(case: Any, bench: Any) -> None:
    public = accuracy(case.marked.network, bench.test)
    rates = PassportExtractor().measure(WhiteBox(case.marked.network), case.marked.key, bench.test)
    assert public >= accuracy(case.host.trained(), bench.test) - 0.02
    assert rates["private_accuracy"].value >= public - 0.02


def test_random_passports_give_no_working_branch(case: Any, bench: Any) -> None:
    found = private_accuracy(case.marked.network, redrawn(case.marked.key), bench.test)
    assert found.value < 0.5


def test_released_state_has_no_private_parts(case: Any) -> None:
    standard = case.scheme.prepared(case.host.blank(torch.Generator()), case.marked.key)
    state = case.marked.network.state_dict()
    assert set(state) == set(standard.state_dict())
    secret = [t for n, t in case.marked.key.tensors.items() if n.startswith("passport.") or ".fcn." in n]
    assert not any(torch.equal(t, s) for t in state.values() for s in secret)
    assert not any(isinstance(module, TwoBranch) for module in case.marked.network.modules())


def test_only_the_first_norms_statistics_are_no_secret(case: Any) -> None:
    key = case.marked.key
    told = set(found_in(key, case.marked.network.state_dict(), {}))
    assert told <= {
        f"private.{key.values['norms'][0]}.private.{what}" for what in ("running_mean", "running_var")
    }


def test_released_network_is_the_public_branch(case: Any, bench: Any) -> None:
    both = insert(copy.deepcopy(case.marked.network), case.marked.key)
    public = outputs(both, bench.test.x)
    assert torch.equal(outputs(release(both), bench.test.x), public)
    torch.testing.assert_close(outputs(case.marked.network, bench.test.x), public, rtol=0, atol=1e-5)


def test_branches_differ(case: Any, bench: Any) -> None:
    both = insert(copy.deepcopy(case.marked.network), case.marked.key)
    with private_branch(both):
        private = outputs(both, bench.test.x)
    assert (private - outputs(both, bench.test.x)).abs().max() > 0.1


def test_state_restores_into_a_blank_host(case: Any, bench: Any) -> None:
    restored = case.scheme.restore(case.host.blank(torch.Generator()), case.marked.network.state_dict())
    assert torch.equal(outputs(restored, bench.test.x), outputs(case.marked.network, bench.test.x))


def test_unmarked_hosts_match_like_fair_coins(case: Any, bench: Any) -> None:
    keys = [case.scheme.make_key(bench.task, torch.Generator().manual_seed(s)) for s in range(60)]
    null = case.host.trained()
    hits = [one.hits for one in PassportExtractor().extract_many(WhiteBox(null), keys)]
    share = sum(hits) / (192 * len(keys))
    assert abs(share - 0.5) < 4 * 0.5 / (192 * len(keys)) ** 0.5
    assert max(hits) < 192 * 0.7


def test_reading_changes_nothing(case: Any, bench: Any) -> None:
    before, digest = copy.deepcopy(case.marked.network.state_dict()), case.marked.key.digest()
    PassportExtractor().extract(WhiteBox(case.marked.network), case.marked.key)
    PassportExtractor().measure(WhiteBox(case.marked.network), case.marked.key, bench.test)
    assert all(torch.equal(v, before[k]) for k, v in case.marked.network.state_dict().items())
    assert case.marked.key.digest() == digest


def test_v1_releases_the_private_branch_folded(bench: Any) -> None:
    case = bench.case("deepipr", "batch", (("variant", "V1"),))
    both = insert(copy.deepcopy(case.marked.network), case.marked.key)
    with private_branch(both):
        private = outputs(both, bench.test.x)
    torch.testing.assert_close(outputs(case.marked.network, bench.test.x), private, rtol=0, atol=1e-4)
    assert PassportExtractor().extract(WhiteBox(case.marked.network), case.marked.key).rate == 1
    assert accuracy(case.marked.network, bench.test) > 0.95


def test_v3_teaches_triggers(bench: Any) -> None:
    case = bench.case("deepipr", "batch", (("variant", "V3"), ("triggers", 10), ("per_batch", 4)))
    rates = PassportExtractor().measure(WhiteBox(case.marked.network), case.marked.key, bench.test)
    assert rates["trigger_accuracy"].value >= 0.8
    assert rates["private_accuracy"].value > 0.95


def test_shuffled_passports_come_from_the_trained_host(bench: Any) -> None:
    case = bench.case("deepipr", "batch", (("passports", "shuffled"),))
    passports = case.marked.key["passport.1"]
    assert case.key["images"].shape == (20, 1, 8, 8)
    assert passports.min() >= 0  # behind a ReLU
    found = PassportExtractor().extract(WhiteBox(case.marked.network), case.marked.key)
    assert found.rate > 0.98


def test_signature_behind_the_fcn_needs_its_own_extractor(bench: Any) -> None:
    case = bench.case("passport_aware", "batch", (("layers", "widest"), ("read", "after")))
    suspect = WhiteBox(case.marked.network)
    found = AfterExtractor().extract(suspect, case.marked.key)
    assert found.chance is None
    assert found.rate > 0.98
    with pytest.raises(Exception, match="passport_aware_after"):
        PassportExtractor().extract(suspect, case.marked.key)
    with pytest.raises(Exception, match="no trained FCN"):
        AfterExtractor().extract(suspect, case.key)


def test_alternating_steps_mark_as_well(bench: Any) -> None:
    case = bench.case("passport_aware", "batch", (("layers", "widest"), ("order", "alternating")))
    assert PassportExtractor().extract(WhiteBox(case.marked.network), case.marked.key).rate > 0.97
    assert accuracy(case.marked.network, bench.test) > 0.95


def test_fine_tuning_a_trained_host_marks_it(bench: Any) -> None:
    case = bench.case("passport_aware", "batch", (("layers", "widest"), ("start", "trained")))
    assert PassportExtractor().extract(WhiteBox(case.marked.network), case.marked.key).rate == 1
