"""Which packs are found, and which of them are skipped."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time

import pytest
from importlib_metadata import EntryPoint

from ownmark.discovery import clear, discover
from ownmark.methods import Kind


def test_methods_carry_the_distribution_that_brought_them(site):
    site.attacks("ownmark-whitebox", "prune")
    site.attacks("Acme_Marks", "shave")
    catalog = site.discover()
    assert [(m.id, m.distribution, m.name) for m in catalog.of(Kind.ATTACK)] == [
        ("prune", "ownmark-whitebox", "whitebox/prune"),
        ("shave", "acme-marks", "acme-marks/shave"),
    ]
    assert catalog.problems == ()


def test_rows_of_the_plugins_command(site):
    site.attacks("acme", "prune", "shave", version="2.1")
    site.pack("broken", "import nowhere_at_all")
    acme, broken = site.discover().packs
    assert (acme.distribution, acme.version, acme.entry_points, acme.methods) == ("acme", "2.1", ("main",), 2)
    assert not acme.problems
    assert not acme.disabled
    assert (broken.distribution, broken.methods, len(broken.problems)) == ("broken", 0, 1)


def test_packs_on_sys_path_are_found_once_per_process(site):
    site.attacks("acme", "prune")
    first = discover()
    assert first.find(Kind.ATTACK, "acme/prune").distribution == "acme"
    site.attacks("later", "shave")
    assert discover() is first
    clear()
    assert discover().find(Kind.ATTACK, "later/shave")


@pytest.mark.parametrize("name", ["acme", "ownmark-acme", "Ownmark.Acme", "main"], ids=lambda name: name)
def test_a_pack_is_disabled_by_distribution_pack_or_entry_point(site, name):
    site.attacks("ownmark-acme", "prune")
    catalog = site.discover(disabled=[name])
    assert catalog.methods == ()
    assert catalog.packs[0].disabled == ("main",)


def test_one_entry_point_of_two_can_be_disabled(site):
    site.module("one", "@hookimpl\ndef ownmark_attacks(): return []")
    site.distribution("acme", first="one", second="not_even_there")
    catalog = site.discover(disabled=["second"])
    assert catalog.problems == ()
    assert catalog.packs[0].entry_points == ("first", "second")
    assert catalog.packs[0].disabled == ("second",)


def test_a_star_disables_everything_but_the_core(site):
    site.attacks("ownmark", "noop")
    site.attacks("ownmark-acme", "prune")
    assert [m.id for m in site.discover(disabled=["*"]).methods] == ["noop"]


def test_the_environment_variable_disables(site, monkeypatch):
    site.attacks("acme", "prune")
    site.attacks("other", "shave")
    monkeypatch.setenv("OWNMARK_DISABLE", " acme , ")
    packs = {pack.distribution: pack for pack in discover().packs}
    assert packs["acme"].disabled
    assert not packs["other"].disabled


def test_a_disabled_name_that_is_nobodys_is_logged(site, caplog):
    site.attacks("acme", "prune")
    with caplog.at_level(logging.WARNING, "ownmark"):
        site.discover(disabled=["amce"])
    assert "no distribution, pack or entry point is called 'amce'" in caplog.text


def test_a_damaged_list_of_entry_points_stops_nobody_else(site):
    site.attacks("acme", "prune")
    (site.distribution("wreck") / "entry_points.txt").write_text("[ownmark]\nno equals sign\n")
    catalog = discover()
    assert catalog.find(Kind.ATTACK, "acme/prune")
    (problem,) = [p for p in catalog.problems if p.distribution == "wreck"]
    assert "its entry_points.txt is damaged" in problem.message
    assert "pip install --force-reinstall wreck" in problem.message
    assert "wreck" in {pack.distribution for pack in catalog.packs}


def test_without_metadata_the_package_has_to_do_for_a_name(site):
    site.attacks("acme", "prune")
    (site.root / "acme-1.0.dist-info" / "METADATA").unlink()
    assert [(pack.distribution, pack.version) for pack in site.discover().packs] == [
        ("acme-plugin", "unknown")
    ]
    loose = discover([EntryPoint(name="x", value="acme_plugin", group="ownmark")], [])
    assert loose.methods[0].distribution == "acme-plugin"


def test_metadata_without_a_version(site):
    site.attacks("acme", "prune")
    (site.root / "acme-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\n")
    assert [(pack.distribution, pack.version) for pack in site.discover().packs] == [("acme", "unknown")]


def test_discovery_imports_nothing_heavy(site):
    site.attacks("acme", "prune")
    code = (
        "import sys; from ownmark import discover; from ownmark.methods import Kind; catalog = discover()\n"
        "assert catalog.find(Kind.ATTACK, 'acme/prune')\n"
        "print([m for m in ('torch', 'pydantic', 'pytorch_lightning', 'numpy') if m in sys.modules])"
    )
    started = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site.root), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    print(f"a fresh process with discover(): {time.perf_counter() - started:.2f} s")
    assert done.stdout.strip() == "[]", done.stderr
