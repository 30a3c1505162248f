"""The digest of meaning: what of the user's code is seen, what means nothing, and what runs is what is hashed."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ownmark.errors import StaleModule
from ownmark.runner.sources import data_file, source_digest

_BLOCKS = "from torch import nn\nimport hashed_pkg.inner.deep as d\n\n\ndef act():\n    return nn.ReLU()\n"
_LATE = "from torch import nn\nTABLE = 'hashed_table.json'\n\n\ndef tail(n):\n    return nn.Linear(n, n)\n"
FILES = {
    "hashed_net.py": "from hashed_blocks import act\nimport importlib\nfrom torch import nn\n\n\n"
    "def net(n):\n    extra = importlib.import_module('hashed_late')\n    return nn.Sequential(act(), extra.tail(n))\n",
    "hashed_blocks.py": _BLOCKS,
    "hashed_late.py": _LATE,
    "hashed_table.json": "[1, 2]",
    "hashed_pkg/__init__.py": "import hashed_pkg.setup\n",
    "hashed_pkg/setup.py": "SCALE = 1\n",
    "hashed_pkg/inner/__init__.py": "",
    "hashed_pkg/inner/deep.py": "from ..setup import SCALE\nD = SCALE\n",
    "hashed_other.py": "A = 1\n",
}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Modules beside a plan, on the path; Python itself takes an edit of the same second and size for none."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("hashed_")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("hashed_net.py", "act(), ", "act(), act(), "),
        ("hashed_blocks.py", "ReLU", "Tanh"),
        ("hashed_late.py", "Linear(n, n)", "Linear(n, n, bias=False)"),
        ("hashed_table.json", "2", "3"),
        ("hashed_pkg/setup.py", "1", "2"),
        ("hashed_pkg/__init__.py", "import", "X = 1\nimport"),
        ("hashed_pkg/inner/deep.py", "D = SCALE", "D = 2 * SCALE"),
    ],
)
def test_a_change_of_meaning_anywhere_behind_a_module_is_seen(
    place: Path, name: str, old: str, new: str
) -> None:
    before = source_digest("hashed_net")
    text = (place / name).read_text()
    assert old in text
    (place / name).write_text(text.replace(old, new))
    assert source_digest("hashed_net") != before


@pytest.mark.parametrize("imported", [False, True])
@pytest.mark.parametrize(
    ("name", "old", "new"), [("hashed_blocks.py", "ReLU", "Tanh"), ("hashed_table.json", "2", "3")]
)
def test_an_edit_in_the_same_tick_of_the_clock_is_seen(
    place: Path, name: str, old: str, new: str, imported: bool
) -> None:
    """Many file systems count time in steps of milliseconds."""
    if imported:
        importlib.import_module("hashed_net")
    before, stat = source_digest("hashed_net"), (place / name).stat()
    (place / name).write_text((place / name).read_text().replace(old, new))
    os.utime(place / name, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    if imported and name.endswith(".py"):
        with pytest.raises(StaleModule):
            source_digest("hashed_net")
    else:
        assert source_digest("hashed_net") != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def net(n):\n", 'def net(n):\n    """Say what it is."""\n'),
        ("def net(n):\n", "# a remark\ndef net( n ):  # another\n\n"),
        ("from torch import nn\n", '"""Of the module."""\nfrom torch import (\n    nn,\n)\n'),
    ],
)
def test_comments_docstrings_and_formatting_mean_nothing(place: Path, old: str, new: str) -> None:
    before = source_digest("hashed_net")
    text = (place / "hashed_net.py").read_text()
    assert old in text
    (place / "hashed_net.py").write_text(text.replace(old, new))
    assert source_digest("hashed_net") == before


def test_what_is_not_imported_does_not_count(place: Path) -> None:
    before = source_digest("hashed_net")
    (place / "hashed_other.py").write_text("A = 2\n")
    assert source_digest("hashed_net") == before


def test_declared_data_counts(place: Path) -> None:
    (place / "hashed_pkg" / "weights.bin").write_bytes(b"one")
    named = "hashed_pkg:weights.bin"
    before = source_digest("hashed_other", data=[named])
    assert data_file(named) == place / "hashed_pkg" / "weights.bin"
    (place / "hashed_pkg" / "weights.bin").write_bytes(b"two")
    assert source_digest("hashed_other", data=[named]) != before


def test_an_installed_distribution_counts_by_its_version(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "hashed_other.py").write_text("import pytest\n")
    before = source_digest("hashed_other")
    monkeypatch.setattr("ownmark.runner.sources._version_of", lambda top: f"{top} 99")
    assert source_digest("hashed_other") != before


def test_a_changed_attack_leaves_the_hosts_and_the_other_methods_alone() -> None:
    from ownmark.runner.sources import _followed

    seen = {name for name, _ in _followed(["ownmark_triggers.content.scheme"])}
    assert "ownmark_triggers.content.scheme" in seen
    assert not [n for n in seen if n.startswith("ownmark.runner") or n.startswith("ownmark_triggers.noise")]
    assert all(name.startswith("ownmark.") for name, _ in _followed(["ownmark.loops.fit"]))


# --- what runs is what is hashed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("edited", ["hashed_net", "hashed_blocks"])
def test_an_edit_without_a_reload_is_refused_and_a_reload_mends_it(place: Path, edited: str) -> None:
    importlib.import_module("hashed_net")
    before = source_digest("hashed_net")
    path = place / f"{edited}.py"
    path.write_text(path.read_text().replace("nn.Sequential", "nn.ModuleList").replace("ReLU", "Tanh"))
    with pytest.raises(StaleModule, match=r"changed after it was imported.*importlib\.reload"):
        source_digest("hashed_net")
    for name in dict.fromkeys([edited, "hashed_net"]):
        importlib.reload(sys.modules[name])
    assert source_digest("hashed_net") != before


def test_a_reload_of_the_helper_alone_is_not_enough(place: Path) -> None:
    importlib.import_module("hashed_net")
    path = place / "hashed_blocks.py"
    path.write_text(path.read_text().replace("ReLU", "Tanh"))
    importlib.reload(sys.modules["hashed_blocks"])
    with pytest.raises(StaleModule, match=r"reload\(hashed_net\)"):  # it still holds the old function
        source_digest("hashed_net")


@pytest.mark.parametrize("remark", ["# a comment above\n", '"""A docstring."""\n', "\n\n"])
def test_a_remark_added_after_the_import_is_no_reason_to_refuse(place: Path, remark: str) -> None:
    importlib.import_module("hashed_net")
    before = source_digest("hashed_net")
    path = place / "hashed_net.py"
    path.write_text(remark + path.read_text())
    assert source_digest("hashed_net") == before


NAMELESS = {
    "of text that was run": "exec('def made(x):\\n    return x', space := {}); made = space['made']",
    "of text run under no name": "exec('def made(x): return x', {'__name__': None}, locals())",
    "of code that was made": "import types\nmade = types.FunctionType((lambda x: x).__code__, {})",
    "with its module taken away": "made = lambda x: x\nmade.__module__ = None",
    "of a class": "class Own:\n    exec('def made(s): return 3', {'__name__': None}, locals())\nmade = Own.made",
}
"""Modules with a function `made` that names no module: generated code has no file to be compared with."""


@pytest.mark.parametrize("made", NAMELESS.values(), ids=NAMELESS)
def test_functions_that_belong_to_no_module_are_passed_over(place: Path, made: str) -> None:
    text = f"{made}\n\ndef own():\n    return 1\n"
    (place / "hashed_generated.py").write_text(text)
    importlib.invalidate_caches()
    module = importlib.import_module("hashed_generated")
    assert module.made.__module__ in (None, "builtins")
    assert source_digest("hashed_generated")
    (place / "hashed_generated.py").write_text(text.replace("return 1\n", "return 10\n"))
    with pytest.raises(StaleModule, match="own in memory"):
        source_digest("hashed_generated")


_HELD = "WIDTH = 3\nSIZES = (1, -2)\nNAME = 'a'\n_cache = None\nLATE = 0\n"
_HELD += "\n\ndef fill():\n    global _cache\n    _cache = 1\n"
_HELD += "\n\ndef net(n, width=2, *, deep=False):\n    return n\n\n\nclass Net:\n    rate = 0.5\n\n"
_HELD += "    def forward(self, x, scale=1.0):\n        return x\n\n\nLATE = 1\nTABLE = {'a': 1}\n"


@pytest.fixture
def held(place: Path) -> Path:
    """An imported module with constants and defaults, and one that takes two of them."""
    (place / "hashed_held.py").write_text(_HELD)
    (place / "hashed_user.py").write_text("from hashed_held import WIDTH as W, net\nX = 1\n")
    importlib.invalidate_caches()
    importlib.import_module("hashed_user")
    return place


@pytest.mark.parametrize("looked", [False, True], ids=["never looked at", "looked at"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("WIDTH = 3", "WIDTH = 4"), ("WIDTH = 3", "WIDTH = 3.0"), ("(1, -2)", "(1, -3)"), ("'a'\n", "'b'\n"),
        ("width=2", "width=4"), ("deep=False", "deep=True"), ("rate = 0.5", "rate = 0.6"), ("scale=1.0", "scale=2.0"),
        ("width=2", "width"),
    ],
)  # fmt: skip
def test_a_constant_or_default_edited_without_a_reload_is_refused(
    held: Path, old: str, new: str, looked: bool
) -> None:
    before = source_digest("hashed_held") if looked else ""
    assert old in _HELD
    (held / "hashed_held.py").write_text(_HELD.replace(old, new))
    with pytest.raises(StaleModule, match=r"reload\(hashed_held\)"):
        source_digest("hashed_held")
    importlib.reload(sys.modules["hashed_held"])
    assert source_digest("hashed_held") != before


@pytest.mark.parametrize(("old", "new"), [("{'a': 1}", "{'a': 2}"), ("LATE = 1", "LATE = 2")])
def test_what_is_no_plain_constant_is_seen_once_the_module_was_looked_at(
    held: Path, old: str, new: str
) -> None:
    before = source_digest("hashed_held")
    (held / "hashed_held.py").write_text(_HELD.replace(old, new))
    with pytest.raises(StaleModule, match="what it holds"):
        source_digest("hashed_held")
    importlib.reload(sys.modules["hashed_held"])
    assert source_digest("hashed_held") != before


def test_a_constant_taken_from_a_reloaded_module_is_refused(held: Path) -> None:
    (held / "hashed_held.py").write_text(_HELD.replace("WIDTH = 3", "WIDTH = 4"))
    importlib.reload(sys.modules["hashed_held"])
    with pytest.raises(
        StaleModule, match=r"W in memory.*reload\(hashed_held\) and importlib.reload\(hashed_user\)"
    ):
        source_digest("hashed_user")
    importlib.reload(sys.modules["hashed_user"])
    source_digest("hashed_user")


def test_what_a_module_changes_itself_is_no_edit(held: Path) -> None:
    before = source_digest("hashed_held")
    sys.modules["hashed_held"].fill()
    sys.modules["hashed_held"].TABLE["b"] = 2
    (held / "hashed_held.py").write_text("# a remark\n" + _HELD)
    assert source_digest("hashed_held") == before


def test_no_installed_pack_looks_edited() -> None:
    from ownmark.discovery import discover
    from ownmark.runner.digest import _modules

    for declaration in discover().methods:
        if declaration.distribution != "ownmark" and declaration.kind != "plan":
            for name in _modules(declaration):
                try:
                    importlib.import_module(name)
                except ImportError:  # an optional package that is not here
                    continue
                source_digest(name)


# --- what decides thresholds and verdicts -----------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["ownmark.stats.rules", "ownmark.stats.exact", "ownmark.stats.clusters"])
def test_statistics_are_part_of_thresholds_and_verdicts(module: str) -> None:
    from ownmark.runner.sources import _followed

    for asked in ("ownmark.stats", "ownmark.runner.verdict"):
        assert module in {name for name, _ in _followed([asked])}


def test_two_versions_on_record_are_both_named(place: Path) -> None:
    from ownmark.discovery.index import versions_of

    for version in ("2.0", "1.0"):
        info = place / f"hashed_dist-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: hashed-dist\nVersion: {version}\n")
    importlib.invalidate_caches()
    assert versions_of("hashed-dist") == ("1.0", "2.0")
    assert versions_of("hashed-nowhere") == ()
