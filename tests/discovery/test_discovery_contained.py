"""What a pack does while it is looked for costs the others nothing: it is contained, put back, and told by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.discovery.conftest import Site

from ownmark.discovery import discover
from ownmark.methods import API, Kind, install_hint

HOOK = "@hookimpl\ndef ownmark_attacks():\n    return "
SOUND = HOOK + "[Declaration(id='fine', kind=Kind.ATTACK, target='a:A', summary='s')]\n"


def told(site: Site) -> str:
    """The only problem of the pack `acme-marks`; the sound pack beside it works."""
    site.attacks("good-marks", "good")
    catalog = site.discover()
    assert catalog.find(Kind.ATTACK, "good").distribution == "good-marks"
    (problem,) = [one for one in catalog.problems if one.distribution == "acme-marks"]
    return str(problem)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("raise SystemExit(0)", "SystemExit"), ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit('x')", "GeneratorExit"), ("raise type('Odd', (BaseException,), {})('x')", "Odd: x"),
        ("import os; os._exit(0)", r"os._exit\(0\)"),
        ("import os as o\ntry:\n    o._exit(3)\nexcept Exception: pass", "_exit"),
        ("import cv2_not_here", "pip install cv2_not_here"),
    ],
)  # fmt: skip
def test_what_ends_a_program_ends_only_the_pack(code: str, sentence: str, site: Site) -> None:
    site.pack("acme-marks", code + "\n")
    problem = told(site)
    assert problem.startswith("acme-marks 1.0, entry point 'main': cannot import")
    import re

    assert re.search(sentence, problem), problem


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "while True: pass",
        "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except Exception:\n        pass",
        "@hookimpl\ndef ownmark_attacks():\n    while True: pass",
        "@hookimpl\ndef ownmark_attacks():\n    import time\n    yield from iter(lambda: time.sleep(1), 1)",
    ],
    ids=["sleeps", "spins", "swallows", "hook spins", "generator sleeps"],
)
def test_a_pack_that_hangs_is_left_after_the_time_limit(
    code: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OWNMARK_LOAD_SECONDS", "1")
    site.pack("acme-marks", code + "\n")
    problem = told(site)
    assert "took more than 1 s" in problem
    assert "OWNMARK_" in problem


def test_an_endless_list_of_declarations_ends(site: Site) -> None:
    site.pack(
        "acme-marks",
        f"import itertools\n{HOOK}"
        "(Declaration(id=f'a{i}', kind=Kind.ATTACK, target='a:A', summary='s') for i in itertools.count())\n",
    )
    assert "more than 1000 declarations" in told(site)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import torch; torch.set_default_dtype(torch.float64)", "torch's default type"),
        ("import torch; torch.set_num_threads(1 + torch.get_num_threads())", "torch's threads"),
        ("import torch; torch.set_grad_enabled(False)", "gradient mode"),
        ("import torch; torch.backends.mkldnn.enabled = False", "mkldnn"),
        ("import os; os.chdir('/')", "working directory"),
        ("import random; random.seed(1)", "random generator"),
        ("import sys; sys.setrecursionlimit(5000)", "recursion limit"),
    ],
)
def test_settings_changed_by_an_import_are_put_back_and_told(code: str, name: str, site: Site) -> None:
    import torch

    before = (torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled(), os.getcwd())
    site.pack("acme-marks", f"{code}\n{SOUND}")
    assert name in told(site)
    assert (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        os.getcwd(),
    ) == before
    assert site.discover().find(Kind.ATTACK, "fine")


def test_what_a_pack_prints_at_import_is_not_shown(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.pack("acme-marks", f"import sys; print('hello \\x1b[31m'); print('there', file=sys.stderr)\n{SOUND}")
    problem = told(site)
    assert "prints while it is loaded ('hello" in problem
    assert "\x1b" not in problem
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ("id='none'", "plans use for nothing in particular"),
        ("id='default'", "plans use for nothing in particular"),
        ("id='x', needs={'telepathy'}", "are no frozenset of ownmark.methods.Need"),
        ("id='x', needs=[1]", "are no frozenset"),
        (f"id='x', api={API + 1}", "pip install -U ownmark"),
        ("id='x', api=0", "CONTRIBUTING"),
        ("id='x', api='2'", "version '2' of the contracts; write a whole number"),
    ],
)
def test_declarations_that_cannot_be_used_are_refused(fields: str, sentence: str, site: Site) -> None:
    site.pack(
        "acme-marks",
        f"{HOOK}[Declaration({fields}, kind=Kind.ATTACK, target='a:A', summary='s')]",
    )
    assert sentence in told(site)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("from numpy import no_such_name", "is of a version that it was not made for; `pip check` says which"),
        ("import torch; from torch.nn import NoSuchLayer", "is of a version that it was not made for"),
        ("import no_such_package_at_all", "Install what it lacks: pip install no_such_package_at_all"),
        ("from acme_marks_plugin import absent", "mend the pack"),
        ("1 / 0", "mend the pack"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["module", "hook"])
def test_advice_fits_what_went_wrong(code: str, advice: str, where: str, site: Site) -> None:
    inside = f"@hookimpl\ndef ownmark_attacks():\n    {code}\n    return []\n"
    site.pack("acme-marks", code + "\n" if where == "module" else inside)
    problem = told(site)
    assert (
        advice.replace("mend the pack", "Mend the function" if where == "hook" else "mend the pack")
        in problem
    )


# --- versions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "loads"),
    [
        ("ownmark>=99", False), ("ownmark==0.0.1", False), ("ownmark>=0.1", True), ("ownmark", True),
        ("ownmark>=99; python_version < '3'", True), ("ownmark>=99; extra == 'new'", True), ("OwnMark <0.0.1", False),
    ],
)  # fmt: skip
def test_a_pack_for_another_ownmark_is_not_loaded(line: str, loads: bool, site: Site) -> None:
    site.pack("acme-marks", "raise RuntimeError('imported')\n" if not loads else SOUND)
    metadata = site.root / "acme_marks-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text() + f"Requires-Dist: {line}\n")
    catalog = site.discover()
    if loads:
        assert catalog.problems == ()
        return
    (problem,) = catalog.problems
    assert "requires" in str(problem)
    assert "was not loaded. pip install -U ownmark" in str(problem)


@pytest.mark.parametrize(
    "damage",
    [b"[ownmark]\n\xff\xfe = x\n", b"[ownmark]\nno equals sign here \x00\n[ownmark\n", b"\x80\x81[ownmark]"],
)
def test_a_damaged_list_of_entry_points_stops_nobody_else(
    damage: bytes, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = site.distribution("acme-marks", main="nowhere")
    (folder / "entry_points.txt").write_bytes(damage)
    catalog = discover(None, ())
    assert catalog.find(Kind.ATTACK, "prune").distribution == "ownmark-repair"


# --- choosing packs -------------------------------------------------------------------------------------------------


def test_only_the_named_packs_and_the_core_are_loaded(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.attacks("good-marks", "good")
    site.attacks("other-marks", "other")
    monkeypatch.setenv("OWNMARK_ONLY", "Good_Marks, absent-marks")
    found = site.discover()
    assert {method.id for method in found.methods} == {"good"}
    assert [pack.distribution for pack in found.packs if pack.disabled] == ["other-marks"]
    assert "'absent-marks'" in caplog.text


def pyproject(folder: Path, body: str) -> None:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(body)


@pytest.mark.parametrize("inside", ["", "src"])
def test_a_pack_in_a_folder_needs_no_pip(
    inside: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here" / "acme"
    pyproject(
        folder,
        '[project]\nname = "Acme_Local"\nversion = "0.3"\n[project.entry-points.ownmark]\nmain = "acme_local_plugin"\n',
    )
    (folder / inside).mkdir(exist_ok=True)
    (folder / inside / "acme_local_plugin.py").write_text(
        "from ownmark.hookspecs import hookimpl\nfrom ownmark.methods import Declaration, Kind\n" + SOUND
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("OWNMARK_PACKS", os.pathsep.join([str(folder), str(tmp_path / "nothing")]))
    catalog = discover(None, ())
    assert catalog.find(Kind.ATTACK, "acme-local/fine").distribution == "acme-local"
    assert catalog.version("acme-local") == "0.3"
    (problem,) = [one for one in catalog.problems if one.version == "local"]
    assert "is no pack" in str(problem)


def test_seconds_are_known_for_each_pack(site: Site) -> None:
    site.pack("acme-marks", f"import time; time.sleep(0.05)\n{SOUND}")
    site.attacks("good-marks", "good")
    seconds = {pack.distribution: pack.seconds for pack in site.discover().packs}
    assert seconds["acme-marks"] > 0.05


def test_a_crash_of_the_interpreter_names_the_pack(site: Site) -> None:
    site.pack("acme-marks", "import ctypes; ctypes.string_at(0)\n")
    code = "from ownmark.discovery import discover; discover()"
    environment = {**os.environ, "PYTHONPATH": str(site.root), "OWNMARK_ONLY": "acme-marks"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode < 0
    assert "<ownmark loads acme-marks 1.0; OWNMARK_DISABLE=acme-marks skips it>" in done.stderr


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("cv2", "pip install opencv-python-headless"), ("PIL", "pip install pillow"),
        ("sklearn", "pip install scikit-learn"),
        ("einops", "pip install einops (if that is what its distribution is called)"),
    ],
)  # fmt: skip
def test_hints_name_distributions(module: str, command: str) -> None:
    assert install_hint(module) == command
