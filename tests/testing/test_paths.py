"""Two paths through the runner that few methods take: an attack at query time, and one without any data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ownmark.runner import run
from ownmark.testing import with_fakes

PLAN = """
name: paths
tasks:
  - dataset: {digits: {limit_train: 300, limit_test: 100}}
    host: {convnet: {recipe: {epochs: 6}}}
schemes: [fake-signs, fake-triggers]
attacks: [none, fake-echo, {fake-scale: {amount: 0.05}}]
attacker: {data: none}
verdict: {null_models: 2, keys: 3}
"""

Records = Mapping[tuple[str, str], Mapping[str, Any]]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    folder = tmp_path_factory.mktemp("paths")
    (folder / "plan.yaml").write_text(PLAN)
    finished = run(
        folder / "plan.yaml", out=folder / "run", store=folder / "store", device="cpu", catalog=with_fakes()
    )
    assert [record.get("error") for record in finished.failed] == []
    return {_cell(record): record for record in finished.records}


def _cell(record: Mapping[str, Any]) -> tuple[str, str]:
    attack = record["cell"]["attack"]
    return record["cell"]["scheme"]["id"], attack["id"] if attack else "none"


def test_black_box_evidence_of_an_attack_at_query_time_goes_through_serve(records: Records) -> None:
    attacked, unattacked = (records["fake-triggers", attack] for attack in ("fake-echo", "none"))
    hits = unattacked["evidence"]["hits"]
    assert attacked["evidence"]["hits"] == attacked["evidence_bare"]["hits"] == hits
    assert unattacked["evidence_bare"] is None


def test_white_box_evidence_of_an_attack_at_query_time_reads_the_weights(records: Records) -> None:
    record = records["fake-signs", "fake-echo"]
    assert record["evidence"]["access"] == "white-box"
    assert record["evidence_bare"] is None
    assert record["evidence"]["hits"] == record["evidence"]["n"]


def test_an_echo_leaves_utility_alone(records: Records) -> None:
    first, second = (records["fake-triggers", attack]["utility"] for attack in ("none", "fake-echo"))
    assert first["suspect"] == second["suspect"]


def test_an_attack_without_data_changes_the_weights_and_counts_no_samples(records: Records) -> None:
    record = records["fake-signs", "fake-scale"]
    assert record["metrics"]["relative_weight_distance"]["value"] == pytest.approx(0.05, rel=1e-4)
    assert record["verdict"]["claim"]
