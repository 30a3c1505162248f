"""Packs with methods of one name: defaults and packaged plans keep meaning what they meant, and users are asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.discovery.conftest import Site

from ownmark.discovery import Catalog, discover
from ownmark.errors import AmbiguousMethod
from ownmark.methods import Declaration, Kind
from ownmark.runner import load_plan
from ownmark.runner.cell import Spec
from ownmark.runner.plan import parse_plan
from ownmark.runner.preflight import check_methods
from ownmark.runner.qualify import at_home, qualified

INSTALLED = discover()


def invaded(*methods: tuple[str, str], distribution: str = "evil-marks") -> Catalog:
    """What is installed, with a pack that takes these names too."""
    import dataclasses

    strangers = tuple(
        Declaration(
            id=id,
            kind=Kind(kind),
            target="evil:A",
            summary="s",
            extractor="uchida",
            distribution=distribution,
        )
        for kind, id in methods
    )
    return dataclasses.replace(INSTALLED, methods=(*INSTALLED.methods, *strangers))


EVERYTHING = [(str(method.kind), method.id) for method in INSTALLED.methods if method.kind is not Kind.PLAN]


@pytest.mark.parametrize("distribution", ["evil-marks", "whitebox", "repair", "a", "zzz"])
@pytest.mark.parametrize("name", ["quickstart", "triggers-digits"])
def test_a_pack_that_takes_every_name_stops_no_packaged_plan(name: str, distribution: str) -> None:
    catalog = invaded(*EVERYTHING, distribution=distribution)
    plan, document = load_plan(name, catalog)
    assert check_methods(plan, document, catalog) == []


def test_packaged_plans_are_left_as_they_are_where_nobody_takes_their_names() -> None:
    assert load_plan("quickstart")[0] == load_plan("quickstart", INSTALLED)[0]
    assert [entry.id for entry in load_plan("quickstart", invaded(("attack", "nothing")))[0].attacks] == [
        entry.id for entry in load_plan("quickstart")[0].attacks
    ]


PLAN = "tasks: [{dataset: digits, host: convnet}]\nschemes: uchida\nattacks: [%s]\n"


def test_default_metrics_are_the_cores() -> None:
    catalog = invaded(("metric", "agreement"), ("metric", "accuracy"), ("metric", "relative_weight_distance"))
    assert check_methods(*parse_plan(PLAN % "prune"), catalog) == []


def test_a_users_plan_is_asked_whose_method_is_meant() -> None:
    (problem,) = check_methods(*parse_plan(PLAN % "prune"), invaded(("attack", "prune")))
    assert problem.startswith("plan.yaml:3: evil-marks and ownmark-repair 0.1.0 both have an attack 'prune'")
    assert check_methods(*parse_plan(PLAN % "ownmark-repair/prune"), invaded(("attack", "prune"))) == []


def test_no_other_packs_short_name_competes_with_a_distribution() -> None:
    catalog = invaded(("attack", "prune"), distribution="ownmark-ownmark-repair")
    assert catalog.find(Kind.ATTACK, "ownmark-repair/prune").distribution == "ownmark-repair"


def test_a_home_means_its_own_method_first() -> None:
    catalog = invaded(("attack", "prune"), ("host", "convnet"))
    assert catalog.find(Kind.ATTACK, "prune", "evil-marks").distribution == "evil-marks"
    assert catalog.find(Kind.ATTACK, "prune", "ownmark").distribution == "ownmark-repair"
    with pytest.raises(AmbiguousMethod):
        catalog.find(Kind.ATTACK, "prune", "third-marks")


def test_nested_defaults_are_the_distributions_own(site: Site) -> None:
    site.module(
        "acme_config",
        """
        from typing import Annotated
        from ownmark.config import Nested, configuration

        @configuration
        class Wrapping:
            inner: Annotated[Nested, Kind.ATTACK] = Nested(id="twin")
            '''What is wrapped.'''
            many: Annotated[tuple[Nested, ...], Kind.ATTACK] = (Nested(id="twin"), Nested(id="other/twin"))
            '''More.'''
        """,
        "from ownmark.methods import Kind\n",
    )
    site.pack(
        "acme-marks",
        """
        @hookimpl
        def ownmark_attacks():
            return [Declaration(id="twin", kind=Kind.ATTACK, target="a:A", summary="s"),
                    Declaration(id="wraps", kind=Kind.ATTACK, target="a:A", config="acme_config:Wrapping", summary="s")]
        """,
    )
    site.attacks("other", "twin")
    checked = site.discover().validate(Kind.ATTACK, "wraps")
    assert checked.problems == []
    assert checked.config.inner.id == "acme-marks/twin"
    assert [one.id for one in checked.config.many] == ["acme-marks/twin", "other/twin"]
    (problem,) = site.discover().validate(Kind.ATTACK, "wraps", {"inner": "twin"}).problems
    assert "both have an attack 'twin'" in problem


def test_methods_nested_in_a_packaged_plan_are_named_too() -> None:
    catalog = invaded(("extractor", "uchida"))
    plan, _ = parse_plan(PLAN % "none" + "extractors: [{align: {extractor: uchida}}]\n")
    assert at_home(plan, catalog, "ownmark-invariance").extractors[0].params == {
        "extractor": "ownmark-whitebox/uchida"
    }


def test_names_in_full_cannot_be_claimed_by_others() -> None:
    spec = qualified(INSTALLED, Kind.EXTRACTOR, Spec("align", '{"extractor": {"uchida": {}}}', "align"))
    assert (spec.id, spec.parameters) == (
        "ownmark-invariance/align", {"extractor": {"ownmark-whitebox/uchida": {}}},
    )  # fmt: skip


def test_collisions_are_known() -> None:
    (same,) = invaded(("attack", "prune")).collisions
    assert {method.distribution for method in same} == {"evil-marks", "ownmark-repair"}
    assert INSTALLED.collisions == ()


@pytest.mark.parametrize(
    ("requirement", "sentence"),
    [
        ("acme-absent>=0.2", "4: needs acme-absent>=0.2, which is not installed: pip install 'acme-absent>=0.2'"),
        ("ownmark>=99", "ownmark 0.1.0 is installed: pip install -U 'ownmark>=99'"),
        ("'what is this'", "is no requirement such as"),
    ],
)  # fmt: skip
def test_a_plan_says_what_it_requires(requirement: str, sentence: str, tmp_path: Path) -> None:
    text = PLAN % "none" + f"requires: [{requirement}, ownmark]\n"
    (problem,) = check_methods(*parse_plan(text), INSTALLED)
    assert sentence in problem
