"""One network, many buyers: every copy is traced to its buyer, and nobody else is named."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from torch import Tensor, nn

from ownmark.cli import main
from ownmark.contracts import outputs
from ownmark.discovery import discover
from ownmark.errors import NotApplicable, OwnmarkError, UntrustedFile
from ownmark.ownership import embed_copies, secrecy, trace
from ownmark.ownership.copies import buyers_in, derived_secret, read_copies
from ownmark.ownership.folder import Release, model_state

BUYERS = ["Acme Ltd.", "Müller & Söhne", "株式会社", "acme ltd"]
PLAN = """
tasks: [{dataset: digits, host: {convnet: {recipe: {epochs: 4}}}}]
schemes: [%s]
verdict: {rate: 0.05, null_models: 2, keys: 20}
"""
SCHEMES = {
    "uchida": "{uchida: {bits: 48, strength: 1.0, recipe: {epochs: 3}}}",
    "adi": "{adi: {keys: 12, start: trained, recipe: {epochs: 12}}}",
}


def sold(folder: Path, scheme: str, buyers: list[str] = BUYERS) -> Path:
    plan = folder / "plan.yaml"
    plan.write_text(PLAN % SCHEMES[scheme])
    return embed_copies(plan, folder / "copies", buyers, max_loss=0.05, device="cpu").folder


@pytest.fixture(scope="module")
def bits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sold(tmp_path_factory.mktemp("bits"), "uchida")


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sold(tmp_path_factory.mktemp("labels"), "adi", BUYERS[:2])


def network_of(mark: Path) -> nn.Module:
    return Release.read(mark / "released").restored(discover(), model_state(mark / "released"), "")


@pytest.mark.parametrize("scheme", ["bits", "labels"])
def test_every_copy_is_its_buyers_and_nobody_elses(scheme: str, request: pytest.FixtureRequest) -> None:
    copies: Path = request.getfixturevalue(scheme)
    for buyer, mark in read_copies(copies).items():
        for suspect in (mark / "released" / "model.safetensors", network_of(mark)):
            record = trace(copies, suspect, rate=1e-3, device="cpu")
            assert (record["named"], record["claim"]) == ([buyer], True)
            assert all(row["p_corrected"] >= row["p_value"] for row in record["buyers"])


def test_a_service_is_asked_the_same_clean_images_once(labels: Path) -> None:
    asked: list[Tensor] = []
    buyer, mark = list(read_copies(labels).items())[1]

    class Counted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network_of(mark)

        def forward(self, x: Tensor) -> Tensor:
            asked.append(x)
            found: Tensor = self.inner(x)
            return found

    assert trace(labels, Counted(), device="cpu")["named"] == [buyer]
    clean = {one.numpy().tobytes() for one in load_file(mark / "owner" / "controls.safetensors")["x"]}
    seen = [image.numpy().tobytes() for batch in asked for image in batch]
    assert sum(image in clean for image in seen) == len(clean)


@pytest.mark.parametrize("scheme", ["bits", "labels"])
def test_an_innocent_is_nobodys_copy(scheme: str, request: pytest.FixtureRequest) -> None:
    copies: Path = request.getfixturevalue(scheme)
    mark = next(iter(read_copies(copies).values()))
    network = network_of(mark)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for module in network.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
    record = trace(copies, network, rate=1e-3, device="cpu")
    assert (record["named"], record["claim"]) == ([], False)


def test_two_buyers_who_average_their_copies_are_both_named(bits: Path) -> None:
    (one, first), (other, second) = list(read_copies(bits).items())[:2]
    mixed = network_of(first)
    states = [model_state(mark / "released") for mark in (first, second)]
    mean = {n: (t + states[1][n]) / 2 if t.is_floating_point() else t for n, t in states[0].items()}
    mixed.load_state_dict(mean, strict=False)
    assert set(trace(bits, mixed, device="cpu")["named"]) == {one, other}


def test_copies_are_of_one_network_and_keep_their_buyers_apart(bits: Path) -> None:
    marks = read_copies(bits)
    assert list(marks) == BUYERS
    assert len({mark.name for mark in marks.values()}) == len(BUYERS)
    assert all(mark.name.isascii() for mark in marks.values())
    assert stat.S_IMODE((bits / "copies.json").stat().st_mode) == 0o600
    for mark in marks.values():
        for path in (mark / "released").iterdir():
            content = path.read_bytes()
            assert not any(word in content for word in (b"buyer", b"uchida", b"Acme", b"copies"))
    shapes = [model_state(mark / "released") for mark in marks.values()]
    near = [float((shapes[0][n] - other[n]).norm() / shapes[0][n].norm()) for other in shapes[1:] for n in other
            if n.endswith("weight") and other[n].ndim == 4]  # fmt: skip
    assert np.median(near) < 0.5  # independent networks are as far apart as they are long


def test_a_killed_embedding_goes_on_with_the_same_keys(
    tmp_path: Path, alone_until_gone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ownmark.ownership import copies

    plan, keys = tmp_path / "plan.yaml", []
    plan.write_text(PLAN % SCHEMES["uchida"])
    whole = copies.embedded

    def dying(session: Any, target: Path, **options: Any) -> Any:
        if target.name.startswith("2"):
            raise KeyboardInterrupt
        made = whole(session, target, **options)
        keys.append(json.loads((target / "owner" / "claim.json").read_text())["key"])
        return made

    monkeypatch.setattr(copies, "embedded", dying)
    with pytest.raises(KeyboardInterrupt):
        embed_copies(plan, tmp_path / "sold", ["a", "b"], max_loss=0.1, device="cpu")
    assert not (tmp_path / "sold").exists()
    monkeypatch.setattr(copies, "embedded", whole)

    monkeypatch.setattr(secrecy, "alone", alone_until_gone)
    made = embed_copies(plan, tmp_path / "sold", ["a", "b"], max_loss=0.1, device="cpu")
    claims = [
        json.loads((mark / "owner" / "claim.json").read_text()) for mark in read_copies(made.folder).values()
    ]
    assert claims[0]["key"] == keys[0] != claims[1]["key"]
    assert not list(tmp_path.glob("*.work"))


def test_a_copy_that_costs_too_much_is_named(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN % SCHEMES["uchida"])
    with pytest.raises(NotApplicable, match=r"the copy of Acme Ltd\.: the mark costs"):
        embed_copies(plan, tmp_path / "copies", BUYERS[:1], max_loss=-1.0, device="cpu")


def test_a_buyers_secret_tells_nothing_of_another(tmp_path: Path) -> None:
    drawn = {derived_secret(secret, buyer) for secret in range(30) for buyer in BUYERS}
    assert len(drawn) == 30 * len(BUYERS)
    assert max(drawn) < 2**62


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("buyer,since\nAcme,2024\nBolt,2025\n", ["Acme", "Bolt"]),
        ("since,Buyer\n2024,Acme\n", ["Acme"]),
        ("Acme\nBolt\n\n", ["Acme", "Bolt"]),
        ("\ufeffbuyer\nÄrger\n", ["Ärger"]),
        ("buyer;since\nAcme, Inc.;2024\n", ["Acme, Inc."]),
        ("since\tbuyer\n2024\tAcme\n", ["Acme"]),
    ],
)
def test_buyers_stand_in_a_column(text: str, names: list[str], tmp_path: Path) -> None:
    (tmp_path / "buyers.csv").write_text(text, encoding="utf-8")
    assert buyers_in(tmp_path / "buyers.csv") == names


@pytest.mark.parametrize(
    "text",
    ["", "buyer\n", "since,buyer\n2024,\n", "Acme\nAcme\n", "since,buyer\n2024\n", "name,since\nAcme,2024\n"],
)
def test_a_list_without_names_or_with_one_twice_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "buyers.csv").write_text(text)
    with pytest.raises(OwnmarkError) as refused:
        buyers_in(tmp_path / "buyers.csv")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("place", ["../elsewhere", "/etc", "absent", ""])
def test_a_list_leads_nowhere_else(place: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "owner").mkdir(parents=True)
    (tmp_path / "copies").mkdir()
    about = {"format": "ownmark copies 1", "buyers": {"Acme": place}}
    (tmp_path / "copies" / "copies.json").write_text(json.dumps(about))
    with pytest.raises(UntrustedFile):
        read_copies(tmp_path / "copies")


def test_the_command_names_the_buyer(bits: Path, tmp_path: Path) -> None:
    buyer, mark = list(read_copies(bits).items())[2]
    out = tmp_path / "trace.json"
    asked = [
        "trace",
        str(bits),
        str(mark / "released" / "model.safetensors"),
        "--device",
        "cpu",
        "--out",
        str(out),
    ]
    said = CliRunner().invoke(main, asked)
    assert said.exit_code == 0, said.output
    assert f"COPY OF {buyer}" in said.output
    assert json.loads(out.read_text())["named"] == [buyer]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    said = CliRunner().invoke(main, ["trace", str(mark), str(mark / "released")])
    assert (said.exit_code, "ownmark verify" in said.output) == (2, True)


@pytest.mark.parametrize("buyers", [2, 50])
def test_the_rate_of_naming_an_innocent_is_the_stated_one(buyers: int) -> None:
    """1,000 innocents, drawn as chance has it: bits that match with one half, read by the threshold of `trace`."""
    from ownmark.stats import exact_threshold

    rng, bits, rate = np.random.default_rng(0), 48, 0.05
    needed = exact_threshold(bits, 0.5, rate / buyers).hits
    named = (rng.binomial(bits, 0.5, (1000, buyers)) >= needed).any(1).mean()
    assert named <= rate + 3 * np.sqrt(rate * (1 - rate) / 1000)
    assert (rng.binomial(bits, 0.5, (1000, buyers)) >= exact_threshold(bits, 0.5, rate).hits).any(
        1
    ).mean() > 0.055


def test_functions_are_traced_as_they_answer(labels: Path) -> None:
    buyer, mark = next(iter(read_copies(labels).items()))
    network = network_of(mark)
    assert trace(labels, lambda x: outputs(network, x).argmax(1), device="cpu")["named"] == [buyer]
    assert trace(labels, lambda x: "no answer", device="cpu")["claim"] is None


def test_a_service_with_a_token_is_traced(labels: Path, serving: Any) -> None:
    buyer, mark = list(read_copies(labels).items())[1]
    served = serving(network_of(mark))
    served.trouble = lambda number: None if "X-Key" in served.headers[number] else (401, {}, b"who are you?")
    words = ["trace", str(labels), served.url, "--device", "cpu"]
    assert CliRunner().invoke(main, words).exit_code == 2
    done = CliRunner().invoke(main, [*words, "--header", "X-Key: 1"])
    assert done.exit_code == 0, done.output
    assert f"COPY OF {buyer}" in done.output
