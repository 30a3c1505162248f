"""Looking methods up by name."""

from __future__ import annotations

import dataclasses

import pytest

from ownmark.discovery import Catalog
from ownmark.errors import AmbiguousMethod, MethodNotFound
from ownmark.methods import Declaration, Kind


def message(catalog: Catalog, kind: Kind, name: str) -> str:
    with pytest.raises((MethodNotFound, AmbiguousMethod)) as caught:
        catalog.find(kind, name)
    return str(caught.value)


@pytest.mark.parametrize("name", ["prune", "acme/prune", "ownmark-acme/prune", "Ownmark_Acme/prune"])
def test_a_method_has_three_names(site, name):
    site.attacks("ownmark-acme", "prune")
    assert site.discover().find(Kind.ATTACK, name).id == "prune"


def test_methods_of_a_kind_are_sorted(site):
    site.attacks("acme", "b", "a")
    site.methods("beta", "metric", "m")
    assert [m.id for m in site.discover().of(Kind.ATTACK)] == ["a", "b"]


def test_an_unknown_name_suggests_the_nearest_of_its_kind(site):
    site.attacks("acme", "prune", "finetune")
    site.methods("beta", "metric", "prunes")
    said = message(site.discover(), Kind.ATTACK, "prun")
    assert said == "no pack has an attack 'prun'; did you mean 'prune'?"


def test_a_name_of_another_kind_is_pointed_out(site):
    site.methods("ownmark-acme", "extractor", "uchida")
    said = message(site.discover(), Kind.SCHEME, "uchida")
    assert said == "no pack has a scheme 'uchida'; acme/uchida is an extractor, not a scheme"


def test_the_wrong_pack_is_corrected(site):
    site.attacks("ownmark-repair", "prune")
    assert "did you mean 'repair/prune'?" in message(site.discover(), Kind.ATTACK, "repiar/prune")
    assert "did you mean 'repair/prune'?" in message(site.discover(), Kind.ATTACK, "whitebox/prune")


def test_failed_and_disabled_packs_are_mentioned(site):
    site.pack("bad", "import nowhere_at_all", version="0.3")
    site.attacks("acme", "prune")
    site.distribution("gone", sleeping="gone_plugin")
    said = message(site.discover(disabled=["gone"]), Kind.ATTACK, "xyz")
    assert "these packs failed to load in part or whole: bad 0.3 (see `ownmark plugins`)" in said
    assert "these entry points are disabled: sleeping" in said


def test_two_packs_with_one_id_are_told_apart_by_pack(site):
    site.attacks("ownmark-acme", "prune", "only", version="1.2")
    site.attacks("beta", "prune", version="3.4")
    catalog = site.discover()
    assert catalog.problems == ()
    assert message(catalog, Kind.ATTACK, "prune") == (
        "beta 3.4 and ownmark-acme 1.2 both have an attack 'prune'; write 'beta/prune' or 'acme/prune'"
    )
    assert catalog.find(Kind.ATTACK, "beta/prune").distribution == "beta"
    assert catalog.ids(Kind.ATTACK) == ("only", "beta/prune", "acme/prune")


def test_one_id_under_two_kinds_is_no_collision(site):
    site.attacks("acme", "x")
    site.methods("beta", "metric", "x")
    catalog = site.discover()
    assert catalog.find(Kind.METRIC, "x").distribution == "beta"


def test_an_impostor_of_a_packs_short_name_is_not_taken_for_it(site):
    site.attacks("ownmark-acme", "prune", version="1.2")
    site.attacks("acme", "prune", version="9.9")
    catalog = site.discover()
    said = message(catalog, Kind.ATTACK, "acme/prune")
    assert "acme 9.9 and ownmark-acme 1.2 both have an attack 'acme/prune'" in said
    assert "pip uninstall one" in said
    assert catalog.find(Kind.ATTACK, "ownmark-acme/prune").distribution == "ownmark-acme"
    assert catalog.ids(Kind.ATTACK) == ("ownmark-acme/prune",)


def test_a_schemes_extractor_is_its_own_packs(site):
    site.methods("acme", "extractor", "bits", "other")
    site.methods("beta", "extractor", "bits")
    scheme = Declaration(
        id="s", kind=Kind.SCHEME, target="m:C", summary="s", extractor="bits", distribution="beta"
    )
    catalog = site.discover()
    assert catalog.default_extractor(scheme).distribution == "beta"
    assert catalog.default_extractor(dataclasses.replace(scheme, extractor="other")).distribution == "acme"
    with pytest.raises(AmbiguousMethod, match="scheme s of third is read by the extractor 'bits'"):
        catalog.default_extractor(dataclasses.replace(scheme, distribution="third"))
    with pytest.raises(
        MethodNotFound, match=r"scheme s of beta is read by the extractor 'bit': .*did you mean"
    ):
        catalog.default_extractor(dataclasses.replace(scheme, extractor="bit"))


def test_a_catalogue_cannot_be_changed(site):
    with pytest.raises(dataclasses.FrozenInstanceError):
        site.discover().methods = ()
