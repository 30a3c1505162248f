"""Commit, derive, verify, evidence, judge: what each refuses, byte by byte, and what a judge finds again."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from ownmark.cli import main
from ownmark.errors import NotApplicable, OwnmarkError, PlanError, UntrustedFile, Unwritable
from ownmark.ownership import adding, commit, embed, evidence, judge, verify
from ownmark.ownership.commitment import Secret, read_commitment, write_commitment
from ownmark.ownership.folder import Claim
from ownmark.ownership.sums import require_sums, write_sums

PLAN = """
tasks: [{dataset: digits, host: {convnet: {width: 0.5, recipe: {epochs: 3}}}}]
schemes: [{%s: {keys: 20%s}}]
verdict: {rate: 0.05, null_models: 2, keys: 5, decoys: 39}
"""
LATER = "beacon round 4711: 5f3c"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a plan, its commitment, a mark derived from it, and evidence of the released network."""
    folder = tmp_path_factory.mktemp("derived")
    (folder / "plan.yaml").write_text(PLAN % ("content", ""))
    commit(folder / "plan.yaml", folder / "commitment")
    embed(
        folder / "plan.yaml",
        folder / "mark",
        device="cpu",
        commitment=folder / "commitment",
        randomness=LATER,
    )
    evidence(folder / "mark", folder / "mark" / "released", folder / "proof", device="cpu")
    return folder


def flips(path: Path, places: int | None = None, bit: int = 0) -> Iterator[int]:
    """The file with one bit changed, place after place (all, or so many spread over it); whole again afterwards."""
    path.chmod(0o600)
    held = path.read_bytes()
    step = 1 if places is None else max(1, len(held) // places)
    for place in (*range(0, len(held), step), len(held) - 1):
        path.write_bytes(held[:place] + bytes([held[place] ^ 1 << bit]) + held[place + 1 :])
        yield place
    path.write_bytes(held)


# --- commitments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["commitment.json", "secret.json"])
@pytest.mark.parametrize("bit", [0, 2, 5, 7])
def test_a_commitment_with_any_bit_changed_is_refused_and_named(
    made: Path, tmp_path: Path, name: str, bit: int
) -> None:
    folder = Path(shutil.copytree(made / "commitment", tmp_path / "commitment"))
    for _ in flips(folder / name, bit=bit):
        with pytest.raises(UntrustedFile, match=r"commitment"):
            read_commitment(folder)
    read_commitment(folder)


def test_a_secret_gives_other_keys_with_other_randomness_and_none_without() -> None:
    one, two = Secret("1" * 64, "2" * 32), Secret("3" * 64, "2" * 32)
    seeds = {one.seed("round 1000"), one.seed("round 1001"), two.seed("round 1000")}
    assert len(seeds) == 3
    assert one.seed("round 1000 ") == one.seed("round 1000") < 2**62
    for nothing in ("", "   ", "1234567"):
        with pytest.raises(OwnmarkError, match="no public randomness"):
            one.seed(nothing)


def test_a_commitment_binds_secret_salt_and_statement() -> None:
    secret, statement = Secret("1" * 64, "2" * 32), {"scheme": {"keys": 20}}
    digest = secret.commit(statement).digest
    others = [
        Secret("1" * 63 + "2", "2" * 32).commit(statement),
        Secret("1" * 64, "3" * 32).commit(statement),
    ]
    others.append(secret.commit({"scheme": {"keys": 21}}))
    assert digest not in {other.digest for other in others}


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_commitment_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, statement = Secret("1" * 64, "2" * 32), {"scheme": {"keys": 20}}
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_disk)
        with pytest.raises(Unwritable, match="No space left"):
            write_commitment(tmp_path / "commitment", secret, statement)
    assert list(tmp_path.iterdir()) == []
    made = write_commitment(tmp_path / "commitment", secret, statement)
    assert read_commitment(tmp_path / "commitment") == (made, secret)
    assert (tmp_path / "commitment").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["claim.json", "sums.json"])
def test_a_reader_that_cannot_be_written_leaves_a_derived_mark_as_it_was(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    mark = Path(shutil.copytree(made / "mark", tmp_path / "mark"))
    before, write = Claim.read(mark / "owner").about, Path.write_text
    more = before | {"readers": {**before["readers"], "another": next(iter(before["readers"].values()))}}

    def full(path: Path, text: str, *options: Any, **more: Any) -> int:
        if path.name.startswith(name):
            write(path, text[:10])
            full_disk()
        return write(path, text, *options, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(Unwritable, match="No space left"):
            adding._write(mark, more, before, mine=False)
    require_sums(mark / "owner")
    assert Claim.read(mark / "owner").about == before
    adding._write(mark, more, before, mine=False)
    require_sums(mark / "owner")
    assert Claim.read(mark / "owner").about == more
    with pytest.raises(OwnmarkError, match="changed while"):
        adding._write(mark, before | {"task": "of another process"}, before, mine=False)
    assert Claim.read(mark / "owner").about == more
    assert sorted(path.name for path in mark.iterdir()) == ["owner", "released"]


@pytest.mark.parametrize(
    ("scheme", "more", "differs"), [("content", ", target: 3", "scheme"), ("noise", "", "scheme")]
)
def test_what_was_not_committed_to_is_not_embedded(
    made: Path, tmp_path: Path, scheme: str, more: str, differs: str
) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN % (scheme, more))
    with pytest.raises(PlanError, match=f"made for another {differs}"):
        embed(
            tmp_path / "plan.yaml",
            tmp_path / "mark",
            device="cpu",
            commitment=made / "commitment",
            randomness=LATER,
        )
    assert not (tmp_path / "mark").exists()


def test_randomness_without_a_commitment_is_not_passed_over(made: Path) -> None:
    words = ["embed", str(made / "plan.yaml"), "--into", str(made / "none"), "--randomness", LATER]
    said = CliRunner().invoke(main, words)
    assert said.exit_code == 2
    assert "--randomness goes with --commitment" in said.output
    assert not (made / "none").exists()


def test_nothing_that_is_published_or_given_away_says_the_secret(made: Path) -> None:
    secret = json.loads((made / "commitment" / "secret.json").read_text())
    seed = str(Secret(secret["secret"], secret["salt"]).seed(LATER))
    for path in (made / "commitment" / "commitment.json", *(made / "mark" / "released").iterdir(),
                 made / "proof" / "statement.json"):  # fmt: skip
        held = path.read_bytes()
        assert not any(text.encode() in held for text in (secret["secret"], secret["salt"], seed))


# --- derived keys ----------------------------------------------------------------------------------------------------


def test_a_derived_key_is_drawn_again(made: Path) -> None:
    found = verify(made / "mark", made / "mark" / "released", device="cpu")
    assert (found["claim"], found["derived"]["randomness"]) == (True, LATER)
    assert found["decoys"]["as_much"] == 0


@pytest.mark.parametrize("change", ["triggers", "labels", "randomness"])
def test_a_key_that_was_chosen_is_refused_even_if_all_sums_are_right(
    made: Path, tmp_path: Path, change: str
) -> None:
    mark = Path(shutil.copytree(made / "mark", tmp_path / "mark"))
    claim = json.loads((mark / "owner" / "claim.json").read_text())
    if change == "randomness":
        claim["derivation"]["randomness"] = "another round, not the one"
    else:
        path = mark / "owner" / "key.safetensors"
        from ownmark.contracts import Key

        key = Key.load(path)
        forged = key.add({change: key[change].roll(1, 0)})
        path.unlink()
        forged.save(path)
        claim["key"] = forged.digest()
    (mark / "owner" / "claim.json").write_text(json.dumps(claim, indent=1, sort_keys=True))
    write_sums(mark / "owner")
    with pytest.raises(UntrustedFile, match="not as secret and randomness give it"):
        verify(mark, mark / "released", device="cpu")


@pytest.mark.parametrize(
    "name",
    ["claim.json", "key.safetensors", "controls.safetensors", "commitment.json", "secret.json", "sums.json"],
)
def test_a_derived_mark_with_one_byte_changed_anywhere_is_refused(
    made: Path, tmp_path: Path, name: str
) -> None:
    mark = Path(shutil.copytree(made / "mark", tmp_path / "mark"))
    for _ in flips(mark / "owner" / name, places=12):
        with pytest.raises(UntrustedFile):
            verify(mark, mark / "released", device="cpu")


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_derived_marks_network_with_one_byte_changed_is_refused_and_named(
    made: Path, tmp_path: Path, name: str
) -> None:
    mark = Path(shutil.copytree(made / "mark", tmp_path / "mark"))
    for _ in flips(mark / "released" / name, places=40):
        with pytest.raises(UntrustedFile, match=re.escape(name)):
            verify(mark, made / "mark" / "released", device="cpu")


# --- judges ----------------------------------------------------------------------------------------------------------


def test_a_judge_finds_the_verdict_again_without_and_with_the_suspect(made: Path) -> None:
    found = judge(made / "proof")
    assert (found["claim"], found["asked_again"]) == (True, None)
    assert len(found["agrees"]) == 5
    said = CliRunner().invoke(main, ["judge", str(made / "proof"), str(made / "mark" / "released")])
    assert said.exit_code == 0, said.output
    assert said.output.count("CLAIM") == 2
    assert "is what secret and randomness give" in said.output


def test_one_byte_anywhere_in_the_evidence_is_refused_and_the_file_named(made: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made / "proof", tmp_path / "proof"))
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert {str(file.relative_to(folder)) for file in files} >= {
        "sums.json", "verdict.json", "statement.json", "index.html", "transcript.safetensors", "owner/secret.json",
        "owner/sums.json", "owner/key.safetensors", "released/model.json",
    }  # fmt: skip
    for file in files:
        for _ in flips(file, places=60):
            with pytest.raises(UntrustedFile, match=re.escape(file.name)):
                judge(folder)


@pytest.mark.parametrize("change", ["added", "removed", "link"])
@pytest.mark.parametrize("name", ["owner/claim.json", "transcript.safetensors", "released/model.json"])
def test_files_that_come_or_go_are_refused_and_named(
    made: Path, tmp_path: Path, change: str, name: str
) -> None:
    folder = Path(shutil.copytree(made / "proof", tmp_path / "proof"))
    path = folder / name
    if change == "added":
        path = path.with_name("more.json")
        path.write_text("{}")
    else:
        held = path.read_bytes()
        path.unlink()
        if change == "link":
            (tmp_path / "elsewhere").write_bytes(held)
            path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UntrustedFile, match=re.escape(path.name)):
        judge(folder)


def repaired(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "proof", tmp_path / "proof"))


def test_answers_that_were_made_up_do_not_give_the_verdict(made: Path, tmp_path: Path) -> None:
    folder = repaired(made, tmp_path)
    path = folder / "transcript.safetensors"
    held = load_file(path)
    save_file({**held, "y": (held["y"] + 1) % 10}, path, {"ownmark": "transcript"})
    write_sums(folder)
    with pytest.raises(UntrustedFile, match="do not follow"):
        judge(folder)


def test_other_questions_than_those_of_the_key_are_seen(made: Path, tmp_path: Path) -> None:
    folder = repaired(made, tmp_path)
    path = folder / "transcript.safetensors"
    held = load_file(path)
    save_file({**held, "x": held["x"].flip(0).contiguous()}, path, {"ownmark": "transcript"})
    write_sums(folder)
    with pytest.raises(UntrustedFile, match="does not hold what the key"):
        judge(folder)


@pytest.mark.parametrize(("field", "value"), [("p_value", 1e-9), ("claim", False), ("stated_rate", 0.001)])
def test_a_verdict_that_was_touched_up_does_not_follow(
    made: Path, tmp_path: Path, field: str, value: Any
) -> None:
    folder = repaired(made, tmp_path)
    verdict = json.loads((folder / "verdict.json").read_text())
    (folder / "verdict.json").write_text(json.dumps(verdict | {field: value}))
    write_sums(folder)
    with pytest.raises(UntrustedFile, match=field):
        judge(folder)


def require_in_toto(statement: dict[str, Any]) -> None:
    """Statement v1 of in-toto's attestation framework, as its specification says."""
    assert set(statement) == {"_type", "subject", "predicateType", "predicate"}
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+", statement["predicateType"])  # a TypeURI, RFC 3986
    assert isinstance(statement["predicate"], dict)
    assert statement["subject"]
    names = [subject["name"] for subject in statement["subject"]]
    assert len(set(names)) == len(names)
    for subject in statement["subject"]:
        assert subject["digest"], "every subject has a digest"
        assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in subject["digest"].values())
        assert set(subject["digest"]) == {"sha256"}


def test_the_public_statement_is_one_of_in_toto(made: Path) -> None:
    statement = json.loads((made / "proof" / "statement.json").read_text())
    require_in_toto(statement)
    weights = (made / "mark" / "released" / "model.safetensors").read_bytes()
    assert statement["subject"][0]["digest"]["sha256"] == hashlib.sha256(weights).hexdigest()
    assert statement["predicate"]["claim"] is True


def test_of_a_service_the_statement_is_about_what_it_said(made: Path, tmp_path: Path) -> None:
    evidence(made / "mark", lambda x: torch.zeros(len(x)).long(), tmp_path / "proof", device="cpu")
    statement = json.loads((tmp_path / "proof" / "statement.json").read_text())
    require_in_toto(statement)
    said = (tmp_path / "proof" / "transcript.safetensors").read_bytes()
    assert statement["subject"][0]["digest"]["sha256"] == hashlib.sha256(said).hexdigest()
    assert "function" in statement["predicate"]["suspect"]


def test_the_page_has_no_script_and_escapes_what_came_from_elsewhere(made: Path) -> None:
    from ownmark.ownership.page import page

    record = json.loads((made / "proof" / "verdict.json").read_text())
    text = page(record | {"suspect": {"given": "<script>alert(1)</script>"}})
    assert "<script" not in text
    assert "The claim holds" in text


def test_a_suspect_that_did_not_answer_is_no_forged_transcript(made: Path, tmp_path: Path) -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("out of memory")

    evidence(made / "mark", broken, tmp_path / "proof", device="cpu")
    with pytest.raises(NotApplicable, match=r"gave no answers to judge by: .*out of memory"):
        judge(tmp_path / "proof")


def test_an_innocent_is_no_claim_for_the_judge_either(made: Path, tmp_path: Path) -> None:
    def stranger(x: torch.Tensor) -> torch.Tensor:
        return torch.full((len(x),), 3)

    evidence(made / "mark", stranger, tmp_path / "proof", device="cpu")
    assert judge(tmp_path / "proof")["claim"] is False
