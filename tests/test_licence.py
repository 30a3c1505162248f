"""Everything that is distributed says under which licence."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECTS = sorted(
    [
        ROOT / "pyproject.toml",
        *ROOT.glob("plugins/*/pyproject.toml"),
        *ROOT.glob("templates/*/pyproject.toml"),
    ]
)


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_every_distribution_names_its_licence(path: Path) -> None:
    assert '\nlicense = "Apache-2.0"\n' in path.read_text()


def test_the_licence_and_how_to_cite_are_there() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (cited["license"], cited["cff-version"]) == ("Apache-2.0", "1.2.0")
