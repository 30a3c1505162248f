"""`ownmark check`, `ownmark plugins` and `--pack`, as a pack's author types them."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ownmark import discovery
from ownmark.cli import main
from ownmark.discovery import Catalog
from ownmark.discovery.problems import Pack, Problem
from ownmark.errors import PlanError
from ownmark.methods import Kind
from ownmark.newpack import create_pack
from ownmark.ownership.origin import origin
from ownmark.runner import run
from ownmark.testing import Row, with_fakes


def checked(rows: list[Row], monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    monkeypatch.setattr("ownmark.testing.check_rows", lambda name: iter(rows))
    return CliRunner().invoke(main, ["check", *options, "acme-marks"])


def row(outcome: str, message: str = "") -> Row:
    return Row("scheme acme-marks/mine", f"some-check-{outcome}", outcome, message)


@pytest.mark.parametrize(
    ("outcomes", "options", "code"),
    [
        (["passed", "n/a", "expected"], [], 0),
        (["passed", "n/a", "expected"], ["--strict"], 0),
        (["passed", "skipped"], [], 0),
        (["passed", "skipped"], ["--strict"], 1),
        (["passed", "failed"], [], 1),
        (["failed", "skipped"], ["--strict"], 1),
    ],
)
def test_the_exit_code_says_whether_something_has_to_be_mended(
    outcomes: list[str], options: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checked([row(one) for one in outcomes], monkeypatch, *options).exit_code == code


@pytest.mark.parametrize(("passed", "loud"), [(1, True), (2, False), (5, False)])
def test_most_checks_skipped_is_said_loudly(passed: int, loud: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row("passed")] * passed + [row("skipped", "no data")] * 2
    said = checked(rows, monkeypatch).output
    assert ("MOST CHECKS WERE SKIPPED" in said) is loud
    assert "what was skipped is unknown, not sound; --strict counts it as failed" in said


def test_checks_that_say_nothing_of_a_method_are_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    done = checked([row("passed"), row("n/a"), row("n/a")], monkeypatch, "--strict")
    assert (done.exit_code, "unknown" in done.output) == (0, False)


@pytest.mark.parametrize("device", ["cuda:77", "toaster"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    done = CliRunner().invoke(main, ["check", "--device", device, "quickstart"])
    assert done.exit_code == 2
    assert device in done.output


# --- plugins --------------------------------------------------------------------------------------------------------


def listed(catalog: Catalog, monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    monkeypatch.setattr(discovery, "discover", lambda *_, **__: catalog)
    return CliRunner().invoke(main, ["plugins", *options])


@pytest.mark.parametrize(
    ("seconds", "options", "shown"), [(0.9, [], True), (0.01, [], False), (0.01, ["-v"], True)]
)
def test_seconds_stand_beside_packs_that_cost_some(
    seconds: float, options: list[str], shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = dataclasses.replace(
        with_fakes(), packs=(Pack("acme-marks", "0.2", ("a",), 1, seconds=seconds),)
    )
    said = listed(catalog, monkeypatch, *options).output
    assert (f"acme-marks 0.2: 1 method, {seconds:.2f} s" in said) is shown


@pytest.mark.parametrize(("lost", "code"), [(True, 1), (False, 0)])
def test_problems_stand_below_their_pack(lost: bool, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem("acme-marks", "0.2", "a", "cannot be imported", lost)
    pack = Pack("acme-marks", "0.2", ("a",), 0, (problem,))
    done = listed(dataclasses.replace(with_fakes(), packs=(pack,), problems=(problem,)), monkeypatch)
    assert "acme-marks 0.2, entry point 'a': cannot be imported" in done.output
    assert done.exit_code == code


@pytest.mark.parametrize(("kind", "id"), [(Kind.METRIC, "accuracy"), (Kind.ATTACK, "prune")])
def test_collisions_say_how_each_is_written(kind: Kind, id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    base = with_fakes()
    theirs = dataclasses.replace(base.find(kind, id), distribution="acme-marks")
    catalog = dataclasses.replace(base, methods=(*base.methods, theirs))
    said = listed(catalog, monkeypatch).output
    owner = base.find(kind, id).distribution
    assert f"collision: {kind} '{id}'; plans write {owner}/{id} or acme-marks/{id}" in said


# --- a pack in a folder ---------------------------------------------------------------------------------------------


def ownmark(*arguments: str | Path, cwd: Path, code: int = 0) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OWNMARK_")}
    done = subprocess.run(
        [sys.executable, "-m", "ownmark", *map(str, arguments)],
        capture_output=True, text=True, env=environment, cwd=cwd,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two packs that nobody installed, and a plan that names both and requires one."""
    top = tmp_path_factory.mktemp("folders")
    create_pack("our-metric", top, "metric")
    create_pack("our-attack", top, "attack")
    (top / "plan.yaml").write_text(
        "tasks: [{dataset: {digits: {limit_train: 120, limit_test: 40}}, host: {convnet: {width: 0.25, recipe: "
        "{epochs: 1}}}}]\nschemes: [{uchida: {bits: 8}}]\nattacks: [weight_noise]\nmetrics: [calibration_error]\n"
        "requires: ['our-attack>=0.1']\nverdict: {null_models: 1, keys: 2}\n"
    )
    return top


@pytest.fixture
def local(folders: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """What is installed, and the two packs in folders."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv(
        "OWNMARK_PACKS", os.pathsep.join(str(folders / name) for name in ("our-attack", "our-metric"))
    )
    return discovery.discover(None, ())


def test_plans_use_packs_in_folders_and_may_require_them(
    folders: Path, local: Catalog, tmp_path: Path
) -> None:
    done = run(
        folders / "plan.yaml", out=tmp_path / "run", store=tmp_path / "store", device="cpu", catalog=local
    )
    assert [record["error"] for record in done.failed] == []
    (record,) = done.records
    assert 0 <= record["metrics"]["calibration_error"]["value"] <= 1
    assert record["provenance"]["methods"]["attack"].startswith("our-attack/weight_noise 0.1.0 ")
    assert record["provenance"]["packs"]["our-attack"] == "0.1.0"


def test_without_them_the_plan_says_what_is_missing(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(PlanError) as failure:
        run(
            folders / "plan.yaml",
            out=tmp_path / "run",
            store=tmp_path / "store",
            device="cpu",
            catalog=with_fakes(),
        )
    said = str(failure.value)
    assert "needs our-attack>=0.1, which is not installed" in said
    assert "no pack has an attack 'weight_noise'" in said


def test_the_option_names_folders(folders: Path) -> None:
    said = ownmark("--pack", "our-attack", "--pack", "our-metric", "plugins", cwd=folders)
    assert "our-attack 0.1.0: 1 method\n" in said
    assert "our-metric 0.1.0: 1 method\n" in said


def test_a_pack_that_cannot_be_loaded_is_told_why_it_cannot_be_checked(tmp_path: Path) -> None:
    create_pack("our-gauge", tmp_path, "metric")
    module = tmp_path / "our-gauge" / "our_gauge" / "calibration_error" / "__init__.py"
    module.write_text(module.read_text() + 'raise RuntimeError("boom")\n')
    said = ownmark("--pack", "our-gauge", "check", "our-gauge", cwd=tmp_path, code=2)
    assert "no method of our-gauge could be loaded" in said
    assert "RuntimeError: boom" in said
    assert "pip install -e" not in said


def test_a_name_that_nothing_has_may_be_any_method() -> None:
    said = CliRunner().invoke(main, ["show", "xyzzy"])
    assert "no pack has a method 'xyzzy'" in str(said.output) + str(said.exception)


def test_a_mark_read_by_a_pack_in_a_folder_is_of_its_version(local: Catalog) -> None:
    method = local.find(Kind.ATTACK, "our-attack/weight_noise")
    assert origin(local, method)["version"] == "0.1.0"


@pytest.mark.slow
def test_the_kit_finds_the_same_in_a_folder_as_in_an_installed_pack(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thorough checks included: other processes find packs in folders, too."""
    said = ownmark("--pack", "our-attack", "check", "--strict", "our-attack", cwd=folders)
    site = tmp_path / "site"
    site.mkdir()
    (site / "our_attack").symlink_to(folders / "our-attack" / "our_attack")
    info = site / "our_attack-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: our-attack\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[ownmark]\nweight_noise = our_attack.weight_noise\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    installed = ownmark("check", "--strict", "our-attack", cwd=tmp_path)
    assert said == installed
    assert "0 failed, 0 could not be made" in said
