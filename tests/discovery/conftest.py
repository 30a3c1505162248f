"""Packs on disk: real dist-info folders and modules in a folder of `sys.path`, taken away after the test."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
from importlib_metadata import distributions

from ownmark.discovery import Catalog, clear, discover

PRELUDE = "from ownmark.hookspecs import hookimpl\nfrom ownmark.methods import Declaration, Kind\n"


@dataclass
class Site:
    """A folder like site-packages."""

    root: Path

    def module(self, name: str, source: str, prelude: str = PRELUDE) -> None:
        """Write a module; its source gets the usual imports in front."""
        (self.root / f"{name}.py").write_text(prelude + dedent(source))

    def distribution(self, name: str, version: str = "1.0", **entries: str) -> Path:
        """Write the dist-info folder of a distribution with entry points of the group `ownmark`."""
        folder = self.root / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [f"{entry} = {value}\n" for entry, value in entries.items()]
        (folder / "entry_points.txt").write_text("[ownmark]\n" + "".join(lines))
        return folder

    def pack(self, name: str, source: str, version: str = "1.0") -> None:
        """Write a distribution with one entry point, `main`, and its module."""
        module = f"{name.replace('-', '_')}_plugin"
        self.module(module, source)
        self.distribution(name, version, main=module)

    def attacks(self, name: str, *ids: str, version: str = "1.0") -> None:
        """Write a sound pack of attacks."""
        self.methods(name, "attack", *ids, version=version)

    def methods(self, name: str, kind: str, *ids: str, version: str = "1.0") -> None:
        """Write a sound pack of one kind."""
        extra = ", extractor='bits'" if kind == "scheme" else ""
        listed = ", ".join(
            f"Declaration(id={i!r}, kind=Kind('{kind}'), target='nowhere:A', summary='s'{extra})" for i in ids
        )
        self.pack(name, f"@hookimpl\ndef ownmark_{kind}s():\n    return [{listed}]\n", version)

    def discover(self, disabled: Collection[str] = ()) -> Catalog:
        """What `discover` makes of this folder alone."""
        importlib.invalidate_caches()
        found = distributions(path=[str(self.root)])
        entries = [entry for dist in found for entry in dist.entry_points.select(group="ownmark")]
        return discover(entries, disabled)

    def messages(self) -> Mapping[str, list[str]]:
        """Problems of this folder's packs by distribution."""
        by_name: dict[str, list[str]] = {}
        for problem in self.discover().problems:
            by_name.setdefault(problem.distribution, []).append(problem.message)
        return by_name


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("OWNMARK_DISABLE", raising=False)
    clear()
    yield Site(tmp_path)
    clear()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
