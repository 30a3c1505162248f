"""False positives are measured, not assumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ownmark.runner import audit

PLAN = """
name: audit
tasks: [{dataset: digits, host: {convnet: {recipe: {epochs: %d}}}}]
schemes: [uchida, content, noise, unrelated]
verdict: {rate: 0.05, null_models: %d, keys: %d}
"""


def _audit(folder: Path, epochs: int, nulls: int, held_out: int, keys: int):
    plan = folder / "audit.yaml"
    plan.write_text(PLAN % (epochs, nulls, keys))
    return audit(plan, held_out=held_out, keys=keys, out=folder / "run", store=folder / "store", device="cpu")


def test_audit_counts_claims_on_networks_the_threshold_has_not_seen(tmp_path):
    rows = _audit(tmp_path, epochs=2, nulls=3, held_out=2, keys=4)
    assert [row.scheme for row in rows] == ["uchida", "content", "noise", "unrelated"]
    assert all((row.null_models, row.models, row.keys) == (3, 2, 4) for row in rows)
    assert all(row.rate in row.interval for row in rows)
    journal = (tmp_path / "run" / "journal.jsonl").read_text()
    assert journal.count("audit 0") == journal.count("audit 1") == 1, (
        "held-out hosts are shared by the schemes"
    )


def test_keys_born_in_embedding_are_audited_seed_by_seed(tmp_path):
    plan = tmp_path / "audit.yaml"
    plan.write_text(
        "name: own\ntasks: [{dataset: digits, host: {convnet: {recipe: {epochs: 1}}}}]\nseeds: [0, 1]\n"
        "schemes: [content, {frontier_stitching: {keys: 20, extra_epochs: 0}}]\n"
        "verdict: {null_models: 2, keys: 3}\n"
    )
    rows = audit(plan, held_out=2, keys=4, out=tmp_path / "run", store=tmp_path / "store", device="cpu")
    assert [(row.scheme, row.seed, row.keys) for row in rows] == [
        ("content", None, 4),
        ("frontier_stitching", 0, 1),
        ("frontier_stitching", 1, 1),
    ]


@pytest.mark.slow
def test_fifty_null_models_times_twenty_keys_are_claimed_no_more_often_than_stated(tmp_path, capsys):
    rows = _audit(tmp_path, epochs=12, nulls=20, held_out=50, keys=20)
    with capsys.disabled():
        for row in rows:
            low, high = row.interval.low, row.interval.high
            print(f"{row.scheme:10s} {row.rate:.3f} [{low:.3f}, {high:.3f}] stated {row.stated} ({row.rule})")
    for row in rows:
        assert not row.exceeded, f"{row.scheme}: {row.rate} [{row.interval}] against {row.stated}"
