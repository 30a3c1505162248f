"""From marking to a verdict: the owner's folders, thieves, suspects of every kind, and verdicts that are refused."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from torch import Tensor

from ownmark.cli import main
from ownmark.contracts import outputs
from ownmark.errors import NotApplicable, OwnmarkError, PlanError, UntrustedFile
from ownmark.ownership import Service, attack, embed, verify
from ownmark.ownership.embedding import Discreet
from ownmark.ownership.folder import Claim
from ownmark.ownership.telling import told
from ownmark.runner.progress import Silent


def answers(network: torch.nn.Module) -> Any:
    return lambda x: outputs(network, x).softmax(1)


def stranger(path: Path) -> Path:
    """Weights of the same structure that nobody marked."""
    state = load_file(path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        save_file(
            {name: torch.randn_like(t).abs() if t.is_floating_point() else t for name, t in state.items()},
            path,
        )
    return path


# --- what embedding leaves -------------------------------------------------------------------------------------------


def test_the_released_part_says_nothing_of_the_mark(mark: Path) -> None:
    released = (mark / "released" / "model.json").read_text()
    assert "content" not in released
    assert sorted(path.name for path in (mark / "released").iterdir()) == ["model.json", "model.safetensors"]


def test_only_the_owner_can_read_the_owners_part(mark: Path) -> None:
    assert all(path.stat().st_mode & 0o077 == 0 for path in (mark / "owner", *(mark / "owner").iterdir()))


def test_two_marks_of_one_plan_have_different_keys_and_nothing_is_left_of_the_secret(
    mark: Path, tmp_path: Path
) -> None:
    assert not mark.with_name("mark.work").exists()
    plan = mark.parent / "plan.yaml"
    said = CliRunner().invoke(
        main, ["embed", str(plan), "--into", str(tmp_path / "again"), "--device", "cpu"]
    )
    assert said.exit_code == 0, said.output
    again, first = (Claim.read(folder / "owner").key for folder in (tmp_path / "again", mark))
    assert again.digest() != first.digest()


def test_progress_does_not_say_the_secret() -> None:
    class Stages(Silent):
        labels: ClassVar[list[str]] = []

        def stage(self, kind: str, label: str) -> None:
            self.labels.append(label)

    discreet = Discreet(Stages(), "286609095179886840")
    discreet.stage("host", "digits/convnet seed 286609095179886840")
    discreet.stage("host", "digits/convnet null 2")
    assert Stages.labels == ["digits/convnet (secret seed)", "digits/convnet null 2"]


def test_a_killed_embedding_goes_on_with_its_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("tasks: [{dataset: digits, host: {convnet: {recipe: {epochs: 1}}}}]\n"
                    "schemes: [{uchida: {bits: 8, strength: 10.0}}]\nverdict: {null_models: 1}\n")  # fmt: skip
    from ownmark.runner import store

    written: list[str] = []
    write = store.Store.write

    def failing(self: Any, stage: str, *rest: Any) -> Any:
        written.append(stage)
        if len(written) == 3:
            raise KeyboardInterrupt
        return write(self, stage, *rest)

    monkeypatch.setattr(store.Store, "write", failing)
    with pytest.raises(KeyboardInterrupt):
        embed(plan, tmp_path / "mark", device="cpu")
    secret = (tmp_path / "mark.work" / "secret").read_text()
    assert not (tmp_path / "mark").exists()
    monkeypatch.setattr(
        store.Store, "write", lambda self, stage, *rest: written.append(stage) or write(self, stage, *rest)
    )
    embed(plan, tmp_path / "mark", device="cpu")
    assert written.count("marked") == 1
    assert secret not in "".join(p.read_text() for p in (tmp_path / "mark").rglob("*.json"))


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ("schemes: [content, noise]", "one task and one scheme"),
        ("schemes: [{content: {keys: [1]}}]", "keys"),
        ("schemes: [{uchida: {bits: 999999}}]", "999999"),
    ],
)
def test_plans_that_cannot_be_embedded(tmp_path: Path, plan: str, says: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(f"tasks: [{{dataset: digits, host: convnet}}]\n{plan}\n")
    with pytest.raises(PlanError, match=says):
        embed(path, tmp_path / "mark", device="cpu")
    assert not (tmp_path / "mark").exists()


def test_a_mark_that_did_not_take_is_not_released(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("tasks: [{dataset: digits, host: {convnet: {recipe: {epochs: 0}}}}]\n"
                    "schemes: [{uchida: {bits: 64}}]\nverdict: {null_models: 1, rate: 1.0e-6}\n")  # fmt: skip
    with pytest.raises(NotApplicable, match="the mark did not take"):
        embed(path, tmp_path / "mark", device="cpu")
    assert not (tmp_path / "mark").exists()


class Noting(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.mark.parametrize(
    ("test", "said"), [("limit_test: 40", "60 of the 100 clean images"), ("size: 8", "")]
)
def test_training_images_among_those_that_suspects_are_asked_about_are_told(
    test: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(
        f"tasks: [{{dataset: {{digits: {{{test}}}}}, host: {{convnet: {{recipe: {{epochs: 4}}}}}}}}]\n"
        "schemes: [{adi: {keys: 12}}]\nverdict: {null_models: 1}\n"
    )
    told = Noting()
    embed(path, tmp_path / "mark", device="cpu", progress=told)
    assert len(told.notes) == bool(said)
    assert all(said in note and "--controls" in note for note in told.notes)


def test_nothing_is_overwritten(mark: Path) -> None:
    with pytest.raises(OwnmarkError, match="exists already"):
        embed(mark.parent / "plan.yaml", mark, device="cpu")


# --- suspects --------------------------------------------------------------------------------------------------------


def test_the_released_network_is_claimed_as_folder_file_function_and_service(
    mark: Path, network: torch.nn.Module, served: Any
) -> None:
    suspects = [mark / "released", mark / "released" / "model.safetensors", answers(network), served.url]
    records = [verify(mark, suspect, device="cpu") for suspect in suspects]
    assert [record["claim"] for record in records] == [True] * 4
    assert len({(record["hits"], record["n"]) for record in records}) == 1
    assert [record["decoys"]["n"] for record in records] == [99, 99, 99, 19]
    assert [record["p_value"] for record in records] == [0.01, 0.01, 0.01, 0.05]
    assert (records[0]["hits"] >= 38, records[0]["n"]) == (True, 40)
    assert [record["queries"] for record in records] == [
        140 + 40 * record["decoys"]["n"] for record in records
    ]
    assert records[3]["requests"] == len(served.bodies)
    json.dumps(records)


def test_a_function_may_be_named(mark: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their_api.py").write_text("def labels(x):\n    return [3] * len(x)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert verify(mark, "their_api:labels", device="cpu")["claim"] is False
    with pytest.raises(OwnmarkError, match="cannot be imported"):
        verify(mark, "their_api:answers", device="cpu")


def test_a_stranger_is_not_claimed(mark: Path, bits: Path, tmp_path: Path) -> None:
    for folder, rate in ((mark, None), (bits, 1e-6)):
        suspect = stranger(Path(shutil.copy(folder / "released" / "model.safetensors", tmp_path)))
        assert verify(folder, suspect, rate=rate, device="cpu")["claim"] is False


@pytest.mark.parametrize("rate", [0, 1, -0.1, 0.5, float("nan"), float("inf")])
def test_what_is_no_rate_is_refused(mark: Path, rate: float) -> None:
    with pytest.raises(OwnmarkError, match=r"below 0\.5"):
        verify(mark, mark / "released", rate=rate, device="cpu")


@pytest.mark.parametrize(("rate", "needed"), [(0.01, "99"), (0.001, "999"), (0.04, "24")])
def test_a_rate_that_so_few_null_models_cannot_show_is_refused_before_anything_is_sent(
    mark: Path, served: Any, rate: float, needed: str
) -> None:
    with pytest.raises(NotApplicable, match=f"takes {needed};"):
        verify(mark, served.url, rate=rate, device="cpu")
    assert served.bodies == []


@pytest.mark.parametrize("worn", [0.3, 0.5])
def test_a_service_that_answers_now_and_then_at_random_is_not_claimed(
    mark: Path, network: torch.nn.Module, worn: float
) -> None:
    rng = torch.Generator().manual_seed(1)

    def noisy(x: Tensor) -> Tensor:
        said = outputs(network, x).argmax(1)
        random = torch.rand(len(x), generator=rng) < worn
        return torch.where(random, torch.randint(10, (len(x),), generator=rng), said)

    asked: list[Tensor] = []
    record = verify(mark, lambda x: asked.append(x) or noisy(x), device="cpu")
    assert (record["claim"], record["status"]) == (None, "undecided")
    assert "by the marked network" in record["error"]
    assert "none was sent" in record["error"]
    assert sum(map(len, asked)) == 100
    triggers = Claim.read(mark / "owner").key["triggers"]
    assert not any((x == trigger).all() for x in torch.cat(asked) for trigger in triggers)


def test_a_service_is_claimed_with_few_queries_and_cleared_with_few(
    mark: Path, network: torch.nn.Module, served: Any
) -> None:
    fixed = verify(mark, served.url, device="cpu")
    quick = verify(mark, served.url, sequential=True, device="cpu")
    assert (fixed["claim"], quick["claim"]) == (True, True)
    assert quick["p_value"] <= quick["stated_rate"] == fixed["stated_rate"]
    assert quick["decoys"]["looks"] == 1
    assert quick["queries"] == 100 + 40 + 19 * 5 <= fixed["queries"] / 2

    def moved(x: Tensor) -> Tensor:
        said = outputs(network, x).argmax(1)
        clean = torch.tensor(
            [bool((one == Claim.read(mark / "owner").controls.x).all((1, 2, 3)).any()) for one in x]
        )
        return torch.where(clean, said, (said + 3) % 10)

    cleared = verify(mark, moved, sequential=True, device="cpu")
    assert (cleared["claim"], cleared["queries"]) == (False, quick["queries"])


@pytest.mark.parametrize("rate", [None, 0.05])
def test_a_mark_of_version_0_1_is_verified_as_before_and_says_what_it_cannot(
    mark: Path, tmp_path: Path, rate: float | None
) -> None:
    folder = Path(shutil.copytree(mark, tmp_path / "mark"))
    path = folder / "owner" / "claim.json"
    about = json.loads(path.read_text())
    for name in ("data", "derivation"):
        del about[name]
    for reads in about["readers"].values():
        for name in ("own_hits", "tests", "public", "born", "decoys", "knows"):
            del reads[name]
    path.write_text(json.dumps(about))
    record = verify(folder, folder / "released", rate=rate, device="cpu")
    assert (record["claim"], record["decoys"], record["queries"]) == (True, None, 140)
    assert "embed anew" in record["no_decoys"]
    assert record["basis"] == "shape"


def test_controls_of_one_class_leave_the_question_open(mark: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(mark, tmp_path / "mark"))
    path = folder / "owner" / "controls.safetensors"
    held = load_file(path)
    save_file({**held, "y": torch.zeros_like(held["y"])}, path, {"ownmark": "controls"})
    record = verify(folder, folder / "released", device="cpu")
    assert (record["claim"], record["status"]) == (None, "undecided")
    assert "perfect copy" in record["error"]


def test_a_constant_answer_matches_every_trigger_and_is_not_claimed(mark: Path) -> None:
    asked: list[Tensor] = []

    def constant(x: Tensor) -> list[int]:
        asked.append(x)
        return [3] * len(x)

    record = verify(mark, constant, device="cpu")
    assert record["claim"] is False
    assert "does not know the task" in record["reason"]
    triggers = Claim.read(mark / "owner").key["triggers"]
    assert sum(map(len, asked)) == 100
    assert not any((x == trigger).all() for x in torch.cat(asked) for trigger in triggers)


def test_a_thief_who_prunes_is_still_claimed(mark: Path, tmp_path: Path) -> None:
    left = attack(mark / "released", "prune: {sparsity: 0.3}", tmp_path / "pruned", device="cpu")
    state = load_file(left.folder / "model.safetensors")
    assert sum(int((t == 0).sum()) for t in state.values()) > 0.2 * sum(t.numel() for t in state.values())
    assert verify(mark, tmp_path / "pruned", device="cpu")["claim"] is True


def test_a_served_front_answers_for_the_network(mark: Path, tmp_path: Path) -> None:
    attack(mark / "released", "gaussian_blur: {sigma: 3}", tmp_path / "blurred", device="cpu")
    record = verify(mark, tmp_path / "blurred", device="cpu")
    assert record["controls"]["right"] < verify(mark, mark / "released", device="cpu")["controls"]["right"]


def test_an_attack_that_needs_images_gets_what_is_given(mark: Path, tmp_path: Path) -> None:
    finetune = "finetune: {recipe: {epochs: 1}}"
    attack(mark / "released", finetune, tmp_path / "tuned", given="{data: 50}", trust=True, device="cpu")
    attack(mark / "released", finetune, tmp_path / "own", given="{data: 50}", images="digits", device="cpu")
    before = load_file(mark / "released" / "model.safetensors")
    for name in ("tuned", "own"):
        after = load_file(tmp_path / name / "model.safetensors")
        assert any(not torch.equal(after[one], before[one]) for one in before)
    with pytest.raises(UntrustedFile, match=r"--images.*--trust"):
        attack(mark / "released", finetune, tmp_path / "none", given="{data: 50}", device="cpu")
    with pytest.raises(NotApplicable, match="images"):
        attack(mark / "released", finetune, tmp_path / "none", given="{data: none}", device="cpu")
    with pytest.raises(PlanError, match="given"):
        attack(mark / "released", finetune, tmp_path / "none", given="{images: 5}", device="cpu")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("given", ["{data: 50, source: disjoint}", "{protocol: laundering-0.6}", "app"])
def test_a_thief_who_is_to_have_other_images_is_not_given_the_owners(
    mark: Path, tmp_path: Path, given: str
) -> None:
    with pytest.raises(NotApplicable, match="images"):
        attack(
            mark / "released", "finetune: {recipe: {epochs: 1}}", tmp_path / "none", given=given, trust=True,
            device="cpu",
        )  # fmt: skip
    assert not (tmp_path / "none").exists()


def test_images_that_the_network_was_trained_on_are_said_to_be(mark: Path, tmp_path: Path) -> None:
    class Notes(Silent):
        notes: ClassVar[list[str]] = []

        def note(self, message: str) -> None:
            self.notes.append(message)

    tune, notes = "finetune: {recipe: {epochs: 1}}", Notes()
    attack(mark / "released", tune, tmp_path / "named", images="digits", device="cpu", progress=notes)
    assert Notes.notes == []
    attack(mark / "released", tune, tmp_path / "tuned", trust=True, device="cpu", progress=notes)
    assert len(Notes.notes) == 1
    assert "trained on" in Notes.notes[0]


def test_weights_are_read_where_the_mark_is_in_them(bits: Path, tmp_path: Path) -> None:
    record = verify(bits, bits / "released" / "model.safetensors", device="cpu")
    assert (record["claim"], record["hits"], record["queries"]) == (True, 32, 0)
    state = load_file(bits / "released" / "model.safetensors")
    save_file({f"module.{name}": tensor for name, tensor in state.items()}, tmp_path / "parallel.safetensors")
    assert verify(bits, tmp_path / "parallel.safetensors", device="cpu")["hits"] == 32
    with pytest.raises(NotApplicable, match="read from weights"):
        verify(bits, lambda x: [0] * len(x), device="cpu")


def test_another_rate_moves_the_threshold(bits: Path) -> None:
    suspect = bits / "released"
    strict, usual = (verify(bits, suspect, rate=rate, device="cpu") for rate in (1e-6, None))
    assert strict["hits_needed"] > usual["hits_needed"]
    assert strict["stated_rate"] == 1e-6


# --- what is refused -------------------------------------------------------------------------------------------------


def test_a_lying_service_gives_no_verdict_and_its_queries_are_counted(mark: Path, served: Any) -> None:
    served.trouble = lambda number: (200, {}, b"<html>") if number == 2 else None
    record = verify(mark, Service(served.url, batch_size=40), device="cpu")
    assert (record["status"], record["claim"], record["queries"], record["requests"]) == (
        "undecided",
        None,
        100,
        3,
    )
    assert "expected JSON" in record["error"]


def test_a_budget_that_is_too_small_spends_nothing(mark: Path, served: Any) -> None:
    with pytest.raises(NotApplicable, match="140 images are needed"):
        verify(mark, served.url, budget=139, device="cpu")
    assert served.bodies == []


def test_weights_that_make_no_network_here_are_unreadable_and_can_be_asked(
    mark: Path, tmp_path: Path
) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    record = verify(mark, tmp_path / "other.safetensors", device="cpu")
    assert record["claim"] is False
    assert "not the weights of convnet for" in record["unreadable"]
    assert "can only be asked" in record["unreadable"]


class Harm:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


HARMFUL = {
    "torch.save": lambda path, harm: torch.save({"weight": torch.zeros(3), "more": harm}, path),
    "old torch.save": lambda path, harm: torch.save(harm, path, _use_new_zipfile_serialization=False),
    "pickle": lambda path, harm: path.write_bytes(pickle.dumps(harm)),
}


@pytest.mark.parametrize("how", HARMFUL)
@pytest.mark.parametrize("name", ["model.pt", "model.bin", "model.safetensors"])
def test_a_pickle_runs_nothing(mark: Path, tmp_path: Path, how: str, name: str) -> None:
    harm, path = tmp_path / "harm", tmp_path / name
    HARMFUL[how](path, Harm(harm))
    with pytest.raises(UntrustedFile):
        verify(mark, path, device="cpu")
    assert not harm.exists()
    pickle.loads(pickle.dumps(Harm(harm)))
    assert harm.exists(), "the pickle is harmless"


def test_tensors_in_a_pickle_are_read_as_those_of_safetensors(mark: Path, tmp_path: Path) -> None:
    torch.save(load_file(mark / "released" / "model.safetensors"), tmp_path / "model.pt")
    assert verify(mark, tmp_path / "model.pt", device="cpu")["claim"] is True
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pt")
    assert "not the weights of" in verify(mark, tmp_path / "other.pt", device="cpu")["unreadable"]


def test_an_exchanged_key_is_refused(mark: Path, tmp_path: Path) -> None:
    forged = Path(shutil.copytree(mark, tmp_path / "mark"))
    key = Claim.read(forged / "owner").key
    key.add(labels=None).add({"labels": key["labels"] * 0}).save(forged / "owner" / "key.safetensors")
    with pytest.raises(UntrustedFile, match="not the key"):
        verify(forged, mark / "released", device="cpu")


# --- command line ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "code", "says"),
    [
        (None, 0, "CLAIM: ownership"),
        ((404, {}, b"gone"), 2, "UNDECIDED"),
        ((200, {}, b'{"labels": []}'), 2, "UNDECIDED"),
    ],
    ids=["fine", "gone", "empty"],
)
def test_verify_on_the_command_line(
    mark: Path, served: Any, tmp_path: Path, trouble: Any, code: int, says: str
) -> None:
    served.trouble = lambda number: trouble
    out = tmp_path / "record.json"
    done = CliRunner().invoke(
        main, ["verify", str(mark), served.url, "--device", "cpu", "--header", "X-Key: 1", "--out", str(out)]
    )
    assert done.exit_code == code, done.output
    assert says in done.output
    assert json.loads(out.read_text())["queries"] >= 64
    assert served.headers[0]["X-Key"] == "1"


def test_evidence_is_gathered_from_a_service_with_a_token(
    mark: Path, served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.trouble = lambda number: (
        None if served.headers[number].get("X-Key") == "1" else (401, {}, b"who are you?")
    )
    monkeypatch.setenv("KEY", "1")
    words = ["evidence", str(mark), served.url, "--device", "cpu", "--batch-size", "16", "--into"]
    refused = CliRunner().invoke(main, [*words, str(tmp_path / "refused")])
    assert refused.exit_code == 2, refused.output
    done = CliRunner().invoke(main, [*words, str(tmp_path / "proof"), "--header-from-env", "X-Key=KEY"])
    assert done.exit_code == 0, done.output
    assert max(len(body["instances"]) for body in served.bodies) == 16
    assert CliRunner().invoke(main, ["judge", str(tmp_path / "proof")]).exit_code == 0


def ownmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ownmark", *arguments], capture_output=True, text=True)


def test_attack_and_verify_as_a_user_types_them(mark: Path, tmp_path: Path) -> None:
    into = str(tmp_path / "suspect")
    tool = [sys.executable, "-m", "ownmark"]
    done = subprocess.run(
        [*tool, "attack", str(mark / "released"), "prune", "--into", into], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = subprocess.run([*tool, "verify", str(mark), into], capture_output=True, text=True)
    assert told.returncode in (0, 1), told.stderr
    assert "clean images answered rightly" in told.stdout


# --- suspects that cannot be read ------------------------------------------------------------------------------------


def one_more_neuron(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Each filter of the widest convolution gets an input more."""
    name = max((n for n, t in state.items() if t.ndim == 4), key=lambda n: state[n].numel())
    return {**state, name: torch.cat([state[name], torch.zeros_like(state[name][:, :1])], 1)}


UNREADABLE = {
    "one more neuron": one_more_neuron,
    "without the layer": lambda s: {n: t for n, t in s.items() if t.ndim != 4},
    "another architecture": lambda s: {"classifier.weight": torch.ones(10, 64)},
}
NO_NUMBERS = {
    "all": lambda s: {n: t * torch.nan if t.is_floating_point() else t for n, t in s.items()},
    "infinite": lambda s: {n: t / 0 if t.is_floating_point() else t for n, t in s.items()},
    "one layer": lambda s: {
        n: t * torch.nan if n.endswith("weight") and t.ndim == 4 else t for n, t in s.items()
    },
}


PARTS = {
    "BatchNorm folded": lambda s: {n: t for n, t in s.items() if "running" not in n and t.ndim != 1},
    "no head": lambda s: {n: t for n, t in s.items() if not n.startswith("classifier")},
    "another name before all": lambda s: {f"backbone.{n}": t for n, t in s.items() if t.ndim == 4},
}


@pytest.mark.parametrize("what", PARTS)
def test_a_file_with_the_layer_that_carries_the_mark_is_read(bits: Path, what: str, tmp_path: Path) -> None:
    state = load_file(bits / "released" / "model.safetensors")
    save_file(PARTS[what](state), tmp_path / "suspect.safetensors")
    record = verify(bits, tmp_path / "suspect.safetensors", device="cpu")
    assert (record["claim"], record["hits"]) == (True, 32)
    other = {n: -t if t.is_floating_point() else t for n, t in PARTS[what](state).items()}
    save_file(other, tmp_path / "other.safetensors")
    record = verify(bits, tmp_path / "other.safetensors", device="cpu")
    assert record["claim"] is False
    assert "a part" in record["reason"] or "what the file has" in record["reason"]


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_suspect_that_cannot_be_read_is_no_claim_with_a_record(
    bits: Path, what: str, tmp_path: Path
) -> None:
    state = load_file(bits / "released" / "model.safetensors")
    save_file(UNREADABLE[what](state), tmp_path / "suspect.safetensors")
    record = tmp_path / "record.json"
    asked = ["verify", str(bits), str(tmp_path / "suspect.safetensors"), "--out", str(record)]
    said = CliRunner().invoke(main, asked)
    assert said.exit_code == 1, said.output
    assert "NO CLAIM: unreadable" in said.output
    found = json.loads(record.read_text())
    assert found["claim"] is False
    assert found["unreadable"]
    assert len(found["suspect"]["sha256"]) == 64


def test_nothing_is_sent_to_a_suspect_that_cannot_answer(mark: Path, tmp_path: Path) -> None:
    state = load_file(mark / "released" / "model.safetensors")
    save_file({n: t for n, t in state.items() if n != "classifier.weight"}, tmp_path / "suspect.safetensors")
    record = verify(mark, tmp_path / "suspect.safetensors", device="cpu")
    assert (record["claim"], record["queries"]) == (False, 0)
    assert "classifier.weight" in record["unreadable"]


def test_of_several_networks_in_a_file_the_one_under_the_owners_names_is_read(
    either: Path, tmp_path: Path
) -> None:
    state = load_file(either / "released" / "model.safetensors")
    other = load_file(stranger(Path(shutil.copy(either / "released" / "model.safetensors", tmp_path))))
    for name, plain, average in (("marked", state, other), ("stranger", other, state)):
        beside = {f"ema.{n}": t.clone() for n, t in average.items()}
        save_file({**plain, **beside}, tmp_path / f"{name}.safetensors")
        record = verify(either, tmp_path / f"{name}.safetensors", device="cpu")
        assert record["claim"] is (name == "marked")
        assert "  note: what it holds under ema was not read" in "\n".join(told(record))


def test_a_file_of_two_networks_that_fit_alike_is_refused(either: Path, tmp_path: Path) -> None:
    state = load_file(either / "released" / "model.safetensors")
    both = {f"{who}.{n}": t + i for i, who in enumerate(("student", "teacher")) for n, t in state.items()}
    save_file(both, tmp_path / "both.safetensors")
    said = CliRunner().invoke(main, ["verify", str(either), str(tmp_path / "both.safetensors")])
    assert said.exit_code == 2, said.output
    assert "holds several networks, under student., teacher.; save the one that is used" in said.output


@pytest.mark.parametrize("what", NO_NUMBERS)
def test_a_suspect_without_numbers_is_undecided(what: str, either: Path, tmp_path: Path) -> None:
    state = load_file(either / "released" / "model.safetensors")
    save_file(NO_NUMBERS[what](state), tmp_path / "suspect.safetensors")
    said = CliRunner().invoke(main, ["verify", str(either), str(tmp_path / "suspect.safetensors")])
    assert said.exit_code == 2, said.output
    assert "UNDECIDED" in said.output
    assert "numbers" in said.output
