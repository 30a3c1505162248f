"""A pack that an earlier run was made with, and that is gone, is named with its version and the command."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from ownmark.discovery import Catalog
from ownmark.discovery.problems import Pack
from ownmark.errors import PlanError
from ownmark.methods import Kind
from ownmark.runner import run
from ownmark.runner.bygone import missing_packs
from ownmark.testing import with_fakes

PLAN = """
tasks: [{dataset: {digits: {limit_train: 120, limit_test: 40}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]
schemes: [%s]
attacks: [%s]
verdict: {null_models: 1, keys: 2}
"""


def known() -> Catalog:
    """The fakes as a pack like others."""
    base = with_fakes()
    return dataclasses.replace(base, packs=(*base.packs, Pack("ownmark-fakes", "0.1.0", (), 8)))


def with_pack(*kinds: Kind) -> Catalog:
    """With a pack `acme-marks` 0.4 that has the kit's scheme and attack under names of its own."""
    base = known()
    mine = [
        dataclasses.replace(method, id=f"acme-{method.id[5:]}", distribution="acme-marks")
        for method in base.methods
        if method.distribution == "ownmark-fakes"
        and method.id in ("fake-signs", "fake-scale")
        and method.kind in kinds
    ]
    mine = [
        dataclasses.replace(one, extractor="fake-signs") if one.kind is Kind.SCHEME else one for one in mine
    ]
    return dataclasses.replace(
        base,
        methods=(*base.methods, *mine),
        packs=(*base.packs, Pack("acme-marks", "0.4", ("acme",), len(mine))),
    )


@pytest.mark.parametrize(
    ("names", "kind"),
    [(("acme-marks/acme-signs", "none"), Kind.SCHEME), (("fake-signs", "acme-scale"), Kind.ATTACK)],
)
def test_a_run_whose_pack_is_gone_says_what_to_install(
    names: tuple[str, str], kind: Kind, tmp_path: Path
) -> None:
    (tmp_path / "p.yaml").write_text(PLAN % names)
    where = {"out": tmp_path / "p", "store": tmp_path / "store", "device": "cpu"}
    assert not run(tmp_path / "p.yaml", catalog=with_pack(kind), **where).failed  # type: ignore[arg-type]
    with pytest.raises(PlanError) as failure:
        run(tmp_path / "p.yaml", catalog=known(), **where)  # type: ignore[arg-type]
    missing, said = failure.value.problems[:2]
    assert f"no pack has a{'n' * (kind is Kind.ATTACK)} {kind} " in missing
    assert said.startswith(
        "p was run before with acme-marks 0.4, which is not installed: pip install 'acme-marks=="
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '{"provenance": 3}', '{"provenance": {"packs": ["a"]}}'])
def test_records_that_say_nothing_are_no_trouble(text: str, tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "0123456789ab.json").write_text(text)
    assert missing_packs(tmp_path, with_fakes()) == []


@pytest.mark.parametrize("version", [0, None, ""])
def test_a_version_that_is_none_is_not_repeated(version: object, tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    text = json.dumps({"provenance": {"packs": {"acme-marks": version}}})
    (tmp_path / "records" / "0123456789ab.json").write_text(text)
    assert missing_packs(tmp_path, with_fakes()) == []
