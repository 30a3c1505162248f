"""A plan that needs an extra which is not installed is no broken plan: the check says so, and looks on."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest
from tests.testing.broken import FAKES, declare

from ownmark.discovery import Catalog
from ownmark.methods import Declaration, Kind
from ownmark.testing import CheckFailed, CheckSkipped, run_check, with_fakes
from ownmark.testing.check import REGISTRY
from ownmark.testing.suite import check_rows

CHECK = REGISTRY["plan-names-known-methods"]
HEAD = "tasks:\n  - {dataset: digits, host: convnet}\n"

MEMBERS = {
    "a dataset": "tasks:\n  - {dataset: {far-images: {}}, host: convnet}\nschemes: [fake-signs]\n",
    "an attack": HEAD + "schemes: [fake-signs]\nattacks: [{far-attack: {amount: 0.5}}]\n",
    "an extractor inside another": HEAD
    + "schemes: [fake-signs]\nextractors: [{align: {extractor: far-reader}}]\n",
    "a method whose parameters cannot be loaded": HEAD + "schemes: [{far-scheme: {strength: 2}}]\n",
}


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Catalog:
    """With four methods that need a package which nobody has installed."""
    (tmp_path / "far_pack.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    base = with_fakes()
    far = {"requires": {"no_such_package": "far"}, "distribution": "acme-far"}
    methods = (
        declare(Kind.DATASET, f"{FAKES}:Far", id="far-images", **far),
        declare(Kind.ATTACK, f"{FAKES}:Scale", id="far-attack", config=f"{FAKES}:ScaleConfig", **far),
        declare(Kind.EXTRACTOR, f"{FAKES}:SignReader", id="far-reader", **far),
        declare(
            Kind.SCHEME, "far_pack:Far", id="far-scheme", config="far_pack:C", extractor="fake-signs", **far
        ),
    )
    return dataclasses.replace(base, methods=(*base.methods, *methods))


def plan(folder: Path, text: str) -> Declaration:
    package = folder / "far_plans"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "far.yaml").write_text(f"name: far\n{text}")
    sys.modules.pop("far_plans", None)
    return declare(Kind.PLAN, "far_plans:far.yaml", id="far", distribution="acme-far")


@pytest.mark.parametrize("text", MEMBERS.values(), ids=MEMBERS)
def test_a_missing_extra_is_named_as_the_reason_for_a_skipped_check(
    text: str, catalog: Catalog, tmp_path: Path
) -> None:
    with pytest.raises(
        CheckSkipped, match=r"needs the package 'no_such_package': pip install 'acme-far\[far\]'"
    ):
        run_check(CHECK, plan(tmp_path, text), catalog)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [("metrics: [acuracy]\n", "did you mean 'accuracy'"), ("metrics: [{accuracy: {many: 3}}]\n", "many")],
    ids=["an unknown name", "an unknown parameter"],
)
@pytest.mark.parametrize("text", MEMBERS.values(), ids=MEMBERS)
def test_what_is_wrong_beside_a_missing_extra_is_found(
    text: str, wrong: str, says: str, catalog: Catalog, tmp_path: Path
) -> None:
    with pytest.raises(CheckFailed, match=says) as failure:
        run_check(CHECK, plan(tmp_path, text + wrong), catalog)
    assert "no_such_package" not in str(failure.value)


def test_the_command_counts_it_as_skipped_on_this_machine(catalog: Catalog, tmp_path: Path) -> None:
    declaration = plan(tmp_path, MEMBERS["a dataset"])
    catalog = dataclasses.replace(catalog, methods=(*catalog.methods, declaration))
    rows = {row.check: row for row in check_rows("acme-far/far", catalog)}
    assert rows[CHECK.id].outcome == "skipped"
    assert "no_such_package" in rows[CHECK.id].message


@pytest.mark.parametrize("rival", ["acme-rival", "zeta-rival"])
def test_a_name_that_two_packs_have_means_the_own_method_of_the_plan_s_pack(
    rival: str, catalog: Catalog, tmp_path: Path
) -> None:
    own, other = (
        declare(Kind.ATTACK, f"{FAKES}:Scale", id="twice", config=f"{FAKES}:ScaleConfig", distribution=name)
        for name in ("acme-far", rival)
    )
    catalog = dataclasses.replace(catalog, methods=(*catalog.methods, other, own))
    run_check(CHECK, plan(tmp_path, HEAD + "schemes: [fake-signs]\nattacks: [twice]\n"), catalog)
