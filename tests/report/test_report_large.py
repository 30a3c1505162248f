"""Reports of many cells: pages and curves instead of one picture, and every cell on one page."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import fakes
from rich.console import Console

from ownmark.report import matrix, write_report
from ownmark.report.aggregate import grids
from ownmark.report.large import LARGE, is_large, pages


def many(attacks: int) -> list[dict[str, Any]]:
    """Every scheme under so many strengths of one attack."""
    found = []
    for at in range(attacks):
        for scheme in fakes.SCHEMES:
            record = fakes.record(scheme, "prune")
            record["cell"]["attack"] = fakes.method(
                "prune", {"fraction": at / attacks}, f"prune(fraction={at})"
            )
            found.append(record | {"id": f"{scheme}-{at}"})
    return found


@pytest.mark.parametrize("attacks", [1, 74, 75, 76, 200])
def test_every_cell_is_on_one_page(attacks: int) -> None:
    (grid,) = grids(many(attacks))
    parts = list(pages(grid))
    places = [at for part in parts for at in part.groups]
    assert sorted(places) == sorted(grid.groups)
    assert all(len(part.rows) * len(part.columns) <= LARGE for part in parts)
    assert is_large(grid) == (4 * attacks > LARGE)


def test_more_rows_than_a_page_holds() -> None:
    records = [fakes.record(cell=fakes.cell(f"scheme {i}", "none"), id=str(i)) for i in range(LARGE + 5)]
    (grid,) = grids(records)
    parts = list(pages(grid))
    assert [len(part.rows) for part in parts] == [LARGE, 5]


def test_a_large_report_has_pages_and_a_curve_and_stays_small(tmp_path: Path) -> None:
    records = many(100)
    fakes.write_run(tmp_path, records)
    report = write_report(tmp_path)
    names = {path.name for path in report.files}
    made = sorted(name for name in names if name.startswith("page-"))
    assert len(made) == 2
    main = (tmp_path / "report.html").read_text()
    assert re.findall(r'href="(page-[^"]+)"', main) == made
    assert "survived" in main
    assert any(name.startswith("sweep-") for name in names)
    text = "".join((tmp_path / name).read_text() for name in made)
    assert text.count("prune(fraction=") >= 100
    assert len(main) < 2_000_000
    fakes.write_run(tmp_path / "again", records[:40])
    (tmp_path / "again" / "page-x-0001.html").write_text("of an earlier report")
    write_report(tmp_path / "again")
    assert not list((tmp_path / "again").glob("page-*"))


def test_two_reports_at_once_may_both_want_to_remove_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.write_run(tmp_path, many(2))
    (tmp_path / "page-x-0001.html").write_text("of an earlier report")
    unlink = Path.unlink

    def overtaken(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=True)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", overtaken)
    write_report(tmp_path)
    assert not list(tmp_path.glob("page-*"))


def test_the_terminal_is_told_counts() -> None:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(matrix(many(100)))
    text = console.export_text()
    assert "survived" in text
    assert len(text.splitlines()) < 60
