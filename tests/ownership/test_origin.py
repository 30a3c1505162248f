"""A claim is read by the extractor that it was embedded with, whatever else is installed under that name."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ownmark.discovery import Catalog, discover
from ownmark.errors import AmbiguousMethod, MethodNotFound, UntrustedFile
from ownmark.methods import Declaration, Kind
from ownmark.ownership.origin import described, differs, reader
from ownmark.runner.cell import Spec

INSTALLED = discover()
KEPT = described(INSTALLED, Kind.EXTRACTOR, Spec("uchida", "{}", "uchida"))
OLD = {"id": "uchida", "label": "uchida", "params": {}}


def among(*distributions: str, without: tuple[str, ...] = ()) -> Catalog:
    """What is installed, with an extractor `uchida` of each of these."""
    strangers = [
        Declaration(id="uchida", kind=Kind.EXTRACTOR, target="evil:A", summary="s", distribution=name)
        for name in distributions
    ]
    kept = [method for method in INSTALLED.methods if method.distribution not in without]
    return dataclasses.replace(INSTALLED, methods=(*kept, *strangers))


def test_a_claim_says_whose_methods_it_is_of() -> None:
    assert KEPT["id"] == "ownmark-whitebox/uchida"
    assert set(KEPT["origin"]) == {"distribution", "version", "source"}
    assert KEPT["origin"]["version"] == INSTALLED.version("ownmark-whitebox")
    assert len(KEPT["origin"]["source"]) == 64


@pytest.mark.parametrize(
    ("kept", "distribution"),
    [
        *(
            (KEPT, name)
            for name in ("evil-marks", "whitebox", "ownmark-ownmark-whitebox", "ownmark-evil", "a", "zzz")
        ),
        *((OLD, name) for name in ("evil-marks", "whitebox", "a", "zzz")),
    ],
)
def test_installing_another_pack_changes_nothing(kept: Any, distribution: str) -> None:
    catalog = among(distribution)
    spec = reader(catalog, kept)
    found = catalog.find(Kind.EXTRACTOR, spec.id, catalog.home_of(spec.id))
    assert found.distribution == "ownmark-whitebox"
    assert differs(catalog, kept, spec) is None


def test_a_mark_that_names_no_distribution_is_refused_where_two_could_be_meant() -> None:
    with pytest.raises(AmbiguousMethod, match="ownmark-evil and ownmark-whitebox"):
        reader(among("ownmark-evil"), OLD)


@pytest.mark.parametrize("kept", [KEPT, OLD], ids=["with its origin", "of version 0.1"])
def test_a_stranger_reads_only_if_told(kept: Any) -> None:
    catalog = among("evil-marks", without=("ownmark-whitebox",))
    with pytest.raises((MethodNotFound, UntrustedFile), match="--stranger evil-marks"):
        reader(catalog, kept)


def test_a_missing_pack_is_named_with_its_version_and_the_command() -> None:
    version = INSTALLED.version("ownmark-whitebox")
    with pytest.raises(MethodNotFound, match=f"pip install 'ownmark-whitebox=={version}'"):
        reader(among(without=("ownmark-whitebox",)), KEPT)


def test_a_stranger_that_reads_is_told() -> None:
    other = next(
        method
        for method in INSTALLED.methods
        if method.name == "whitebox/riga" and method.kind is Kind.EXTRACTOR
    )
    twin = dataclasses.replace(other, id="uchida", distribution="evil-marks")
    catalog = dataclasses.replace(INSTALLED, methods=(*INSTALLED.methods, twin))
    spec = reader(catalog, KEPT, "evil-marks")
    assert spec.id == "evil-marks/uchida"
    assert "a stranger reads: evil-marks" in str(differs(catalog, KEPT, spec))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [({"version": "0.0.9"}, "embedded with version 0.0.9"), ({"source": "0" * 64}, "is not what it was")],
)
def test_another_version_or_source_is_told(changed: dict[str, str], sentence: str) -> None:
    kept = KEPT | {"origin": KEPT["origin"] | changed}
    spec = reader(INSTALLED, kept)
    assert sentence in str(differs(INSTALLED, kept, spec))
