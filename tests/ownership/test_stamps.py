"""Time stamps of commitments: asked for, kept through mark and evidence, believed only under a trusted root."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.ownership import authority
from tests.posting import posting

from ownmark.cli import main
from ownmark.errors import OwnmarkError, UntrustedFile
from ownmark.ownership import commit, embed, evidence, judge
from ownmark.ownership.stamps import STAMP, read_stamp, stamped_by

pytest.importorskip("rfc3161_client")

PLAN = """
tasks: [{dataset: digits, host: {convnet: {width: 0.5, recipe: {epochs: 3}}}}]
schemes: [{content: {keys: 20}}]
verdict: {rate: 0.05, null_models: 2, keys: 5, decoys: 39}
"""


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, Path]:
    """An authority, and the file with its root."""
    one, path = authority.Authority(), tmp_path_factory.mktemp("root") / "root.pem"
    path.write_bytes(one.root)
    return one, path


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, Path]:
    """Another authority of the same name."""
    one, path = authority.Authority(), tmp_path_factory.mktemp("other") / "root.pem"
    path.write_bytes(one.root)
    return one, path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, ours: tuple[object, Path]) -> Path:
    """A stamped commitment, a mark derived from it, and evidence."""
    folder = tmp_path_factory.mktemp("stamped")
    (folder / "plan.yaml").write_text(PLAN)
    with posting(lambda body, _: ours[0].answer(body)) as url:
        commit(folder / "plan.yaml", folder / "commitment", authority=url)
    later = {"commitment": folder / "commitment", "randomness": "beacon round 4711: 5f3c"}
    embed(folder / "plan.yaml", folder / "mark", device="cpu", **later)
    evidence(folder / "mark", folder / "mark" / "released", folder / "proof", device="cpu")
    return folder


def test_a_judge_is_told_when_the_commitment_existed(made: Path, ours: tuple[object, Path]) -> None:
    *_, unchecked = judge(made / "proof")["agrees"]
    assert "2026-01-02 03:04:05 UTC, says CN=Test Time Authority; its signature was not checked" in unchecked
    said = CliRunner().invoke(main, ["judge", str(made / "proof"), "--stamp-root", str(ours[1])])
    assert said.exit_code == 0, said.output
    assert "existed at 2026-01-02 03:04:05 UTC, says CN=Test Time Authority\n" in said.output


def test_a_stamp_of_somebody_of_the_same_name_is_refused(made: Path, stranger: tuple[object, Path]) -> None:
    with pytest.raises(UntrustedFile, match=r"commitment\.tsr: is not signed under a trusted root"):
        judge(made / "proof", roots=[stranger[1]])


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to compare with")
def test_openssl_reads_the_same_stamps(made: Path, ours: tuple[object, Path]) -> None:
    folder = made / "commitment"
    command = [
        "openssl",
        "ts",
        "-verify",
        "-data",
        str(folder / "commitment.json"),
        "-in",
        str(folder / STAMP),
    ]
    told = subprocess.run(
        [*command, "-CAfile", str(ours[1]), "-attime", str(int(authority.NOW.timestamp()))],
        capture_output=True, text=True,
    )  # fmt: skip
    assert "Verification: OK" in told.stdout + told.stderr


def test_every_byte_of_a_stamp_counts(made: Path, ours: tuple[object, Path], tmp_path: Path) -> None:
    """All but those of the unsigned wrapping, in which nothing can be said."""
    content, held = ((made / "commitment" / name).read_bytes() for name in ("commitment.json", STAMP))
    said = read_stamp(made / "commitment" / STAMP, content, [ours[1]])
    path, believed = tmp_path / STAMP, 0
    for place in range(0, len(held), 3):
        path.write_bytes(held[:place] + bytes([held[place] ^ 1]) + held[place + 1 :])
        try:
            found = read_stamp(path, content, [ours[1]])
        except UntrustedFile:
            continue
        believed += 1
        assert (found.at, found.checked) == (said.at, True)
    assert believed < 0.1 * len(held) / 3


@pytest.mark.parametrize("change", [b"{}", b'{"sha256": "0"}'])
def test_a_stamp_of_something_else_is_refused_without_a_root_as_well(made: Path, change: bytes) -> None:
    with pytest.raises(UntrustedFile, match="is no time stamp of this commitment"):
        read_stamp(made / "commitment" / STAMP, change)


@pytest.mark.parametrize("name", ["commitment", "mark/owner", "proof/owner"])
def test_the_stamp_goes_where_the_commitment_goes(made: Path, name: str) -> None:
    assert (made / name / STAMP).read_bytes() == (made / "commitment" / STAMP).read_bytes()


def test_no_stamp_no_commitment(tmp_path: Path, stranger: tuple[object, Path]) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN)
    other = stranger[0].answer  # type: ignore[attr-defined]
    replay = other(
        b"0\x3a\x02\x01\x010\x31" + authority.tlv(0x30, authority.SHA256, authority.tlv(4, bytes(32)))[2:]
    )
    refusal = authority.seq(authority.seq(authority.number(2)))
    for answer in (b"", b"no stamp", bytes(70_000), replay, refusal):
        with (
            posting(lambda *_, answer=answer: answer) as url,
            pytest.raises(OwnmarkError, match=r"127\.0\.0\.1"),
        ):
            commit(tmp_path / "plan.yaml", tmp_path / "commitment", authority=url)
    for address in ("tsa.example", "ftp://tsa.example", f"http://127.0.0.1:{9}/tsr"):
        with pytest.raises(OwnmarkError):
            commit(tmp_path / "plan.yaml", tmp_path / "commitment", authority=address)
    assert not (tmp_path / "commitment").exists()


def test_without_the_extra_it_says_what_to_install(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(OwnmarkError, match=r"pip install ownmark\[stamps\]"):
        stamped_by("https://tsa.example")
    *_, told = judge(made / "proof")["agrees"]
    assert "was not read" in told


def test_a_root_without_a_stamp_is_no_check(made: Path, ours: tuple[object, Path], tmp_path: Path) -> None:
    from ownmark.ownership.sums import write_sums

    folder = Path(shutil.copytree(made / "proof", tmp_path / "proof"))
    for inside in (folder / "owner", folder):
        (folder / "owner" / STAMP).unlink(missing_ok=True)
        (inside / "sums.json").chmod(0o600)
        write_sums(inside)
    assert "carries no time stamp" in judge(folder)["agrees"][-1]
    with pytest.raises(UntrustedFile, match="carries no time stamp"):
        judge(folder, roots=[ours[1]])
