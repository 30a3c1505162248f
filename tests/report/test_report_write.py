"""Reading a run folder and writing its report."""

from __future__ import annotations

import copy
import io
import json
import logging
import re

import numpy as np
import pytest
from matplotlib.image import imsave
from tests.report.fakes import cell, failed, method, quickstart, record, write_run

from ownmark.report import read_records, read_run, write_report
from ownmark.report.markdown import escape


def paths(value, at=()):
    """Every key of nested dicts, with what is below it."""
    for name, inner in value.items():
        yield (*at, name)
        if isinstance(inner, dict):
            yield from paths(inner, (*at, name))


def without(made, path):
    changed = copy.deepcopy(made)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return changed


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "quickstart", *quickstart())


def test_records_come_in_the_plans_order(run):
    assert [one["id"] for one in read_records(run)][:4] == [
        "uchida-none-0",
        "uchida-none-1",
        "uchida-none-2",
        "uchida-prune-0",
    ]


def test_half_written_files_are_passed_over(run):
    (run / "records" / "x.json.tmp").write_text('{"half')
    assert read_run(run).problems == ()


@pytest.mark.parametrize("text", ["{", "[1]", "{}", "\udcff"], ids=["half", "a list", "no cell", "no UTF-8"])
def test_damaged_records_are_problems_not_crashes(run, text, caplog):
    (run / "records" / "bad.json").write_bytes(text.encode(errors="surrogateescape"))
    with caplog.at_level(logging.WARNING):
        assert len(read_records(run)) == 47
    assert "bad.json" in caplog.text
    report = write_report(run)
    assert "bad.json" in report.problems[0]
    assert "bad.json" in (run / "report.md").read_text()


def test_a_damaged_plan_is_a_problem(run):
    (run / "plan.json").write_text("{")
    assert len(read_run(run).records) == 47
    assert "plan.json" in read_run(run).problems[0]


def test_records_of_cells_that_left_the_plan_are_left_out(run):
    write_run(run, [record("uchida", "none", 9)])
    assert len(read_run(run).records) == 47
    assert "not in the plan" in read_run(run).problems[0]


@pytest.mark.parametrize("id", [{"a": 1}, ["x"], None, 5], ids=str)
def test_a_record_whose_id_is_no_text_is_of_no_cell(run, id):
    (run / "records" / "odd.json").write_text(json.dumps(record("uchida", "none", 9) | {"id": id}))
    assert len(read_run(run).records) == 47
    assert "not in the plan" in read_run(run).problems[0]


def test_a_cell_counts_once(tmp_path):
    folder = write_run(tmp_path, [record(), record() | {"id": "again"}])
    assert len(read_run(folder).records) == 1
    assert "same cell" in read_run(folder).problems[0]


def test_a_missing_folder_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run folder"):
        write_report(tmp_path / "nowhere")


def test_all_files_are_written_and_counted(run):
    report = write_report(run)
    names = ["records.jsonl", "results.csv", "report.md", "report.html", "matrix-digits-convnet.png"]
    assert [path.name for path in report.files] == names
    assert report.summary == "48 cells: 46 finished, 1 failed, 1 not run."
    assert (report.failed, report.missing) == (1, 1)
    assert not list(run.glob("*.tmp"))
    lines = (run / "records.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == list(report.records)


def test_same_records_same_bytes(run, tmp_path):
    write_report(run)
    first = contents(run)
    write_report(run)
    assert contents(run) == first
    records, plan = quickstart()
    other = write_run(tmp_path / "other" / "quickstart", records[::-1], plan)
    write_report(other)
    assert contents(other) == first


def test_html_needs_no_other_file(run):
    write_report(run)
    page = (run / "report.html").read_text()
    sources = re.findall(r'(?:src|href)\s*=\s*"([^"]{0,30})', page)
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"<script|<link|@import|url\(|https?://", page)


def test_html_escapes_what_records_say(tmp_path):
    script = "<script>alert(1)</script>"
    labelled = record() | {"cell": cell("uchida", "none", scheme=method("uchida", label=script))}
    write_report(write_run(tmp_path, [failed("riga", "prune", message=script), labelled], {"name": script}))
    page = (tmp_path / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_markdown_escapes_what_would_break_a_table():
    assert escape("a|b\n*c* <i>") == r"a\|b \*c\* \<i\>"


def test_markdown_says_what_failed_and_what_has_not_run(run):
    write_report(run)
    text = (run / "report.md").read_text()
    assert "riga × finetune, seed 1: RuntimeError: no layer" in text
    assert "… not run 1/3" in text
    assert "](matrix-digits-convnet.png)" in text
    assert "Reported" not in text


def test_reported_section_says_whether_the_task_is_the_same(tmp_path):
    there = {
        "value": 0.9,
        "metric": "utility",
        "where": "APP Table 1",
        "dataset": "digits",
        "host": "convnet",
    }
    write_report(write_run(tmp_path, [record() | {"reported": [there, there | {"host": "resnet"}]}]))
    text = (tmp_path / "report.md").read_text()
    assert "| acc | 0.900 | 0.985 | digits/convnet | digits/convnet | yes | APP Table 1 |" in text
    assert "| digits/resnet | digits/convnet | no |" in text


def black_png():
    buffer = io.BytesIO()
    imsave(buffer, np.zeros((8, 8)), format="png")
    return buffer.getvalue()


def test_exhibits_are_embedded_and_stay_inside_the_run(tmp_path):
    folder = write_run(tmp_path / "run", [])
    png = black_png()
    (folder / "a.png").write_bytes(png)
    (tmp_path / "secret.png").write_bytes(png)
    given = {"triggers": "a.png", "escape": "../secret.png", "gone": "b.png", "score": 0.25, "text": "hello"}
    write_run(folder, [record() | {"exhibits": given}])
    write_report(folder)
    text, page = (folder / "report.md").read_text(), (folder / "report.html").read_text()
    assert "](a.png)" in text
    assert "](../secret.png)" not in text
    assert text.count("no such picture") == 2
    assert "| score | 0.250 |" in text
    assert page.count("<img") == 2


@pytest.mark.parametrize(
    "metrics", [{}, {"rescaled_accuracy": {"value": 0.7}}], ids=["not measured", "measured"]
)
def test_the_least_rescaled_accuracy_stands_beside_the_threshold_where_it_is_measured(tmp_path, metrics):
    one = record()
    one["metrics"] = metrics
    one["verdict"] = one["verdict"] | {"rescaled_floor": 0.4125}
    folder = write_run(tmp_path / "run", [one])
    write_report(folder)
    text = (folder / "report.md").read_text()
    assert ("S of no match" in text) == ("0.412" in text) == bool(metrics)


def test_pictures_of_a_scheme_stand_side_by_side_and_each_only_once(tmp_path):
    folder = write_run(tmp_path / "run", [])
    for name in ("triggers.png", "served.png"):
        (folder / name).write_bytes(black_png())
    bare, blurred = record(), record(attack="blur")
    bare["exhibits"] = {"triggers": "triggers.png"}
    blurred["exhibits"] = {"triggers": "triggers.png", "triggers, as served": "served.png"}
    write_run(folder, [bare, blurred])
    write_report(folder)
    text, page = (folder / "report.md").read_text(), (folder / "report.html").read_text()
    assert text.count("](triggers.png)") == text.count("](served.png)") == 1
    gallery = page.partition('<div class="gallery">')[2].partition("</div>")[0]
    assert gallery.count("<img") == 2
    assert "blur: triggers, as served" in gallery


@pytest.mark.parametrize("kind", ["ok", "failed"])
@pytest.mark.parametrize("how", ["missing", "null", "text"])
def test_no_optional_key_is_needed(tmp_path, monkeypatch, kind, how):
    """Each key on its own; pictures are left to the next test."""
    monkeypatch.setattr("ownmark.report.write.heat_map", lambda grid: b"")
    full = record("content", "pst") if kind == "ok" else failed("riga", "prune")
    full |= {"reported": [{"value": 0.5}], "evidence_bare": {"rate": 0.5, "n": 1}, "exhibits": {"note": "x"}}
    for path in [path for path in paths(full) if path != ("cell",)]:
        changed = without(full, path)
        if how != "missing":
            inner = changed
            for name in path[:-1]:
                inner = inner[name]
            inner[path[-1]] = None if how == "null" else "odd"
        folder = tmp_path / "-".join(path)
        report = write_report(write_run(folder, [changed]))
        assert report.problems == (), path


@pytest.mark.parametrize("made", [{"cell": {}}, failed("riga", "prune"), without(record(), ("verdict",))])
def test_sparse_records_have_a_picture(tmp_path, made):
    write_report(write_run(tmp_path, [made]))
    assert next(tmp_path.glob("matrix*.png")).stat().st_size > 1000


def test_an_empty_run_has_a_report(tmp_path):
    assert write_report(tmp_path).summary == "0 cells: 0 finished, 0 failed, 0 not run."


def test_report_imports_neither_torch_nor_matplotlib_nor_rich():
    import subprocess
    import sys

    code = "import sys, ownmark.report; print(sorted({'torch', 'matplotlib', 'rich'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
