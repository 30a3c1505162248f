"""What functions say when they refuse: arguments, not options; the model, not a plan's names."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ownmark
from ownmark.api.lending import saved_host
from ownmark.api.speaking import in_python, speaking
from ownmark.errors import OwnmarkError, PlanError


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ("--device 'gpu': no", "device 'gpu': no"),
        ("leave --rate out, add --trust-mark", "leave rate out, add trust_mark=True"),
        ("allow more (`max_loss`, --max-loss)", "allow more (`max_loss`)"),
        ("bytes (--pixels byte), --timeout allows", 'bytes (`Service(pixels="byte")`), `Service(timeout=...)` allows'),
        ("--header-from-env NAME=VARIABLE sends", "`Service(headers=...)` sends"),
        ("is right: --stranger acme-marks", 'is right: stranger="acme-marks"'),
        ("the arguments:1: verdict.rate: no", "verdict.rate: no"),
        ("the arguments:1: scheme uchida on function/module: no", "scheme uchida: no"),
        ("ownmark.api.held:m_(secret) does, ownmark.api.held:d_0123456789abcdef too", "the model does, the data too"),
        ("pip --force-reinstall x; `--no-such`, a -- b", "pip --force-reinstall x; `--no-such`, a -- b"),
    ],
)  # fmt: skip
def test_options_become_arguments(said: str, becomes: str) -> None:
    assert in_python(said) == becomes


@pytest.mark.parametrize("error", [PlanError(["--rate 2", "--out x"]), OwnmarkError("--rate 2\n--out x")])
def test_an_error_keeps_its_type(error: OwnmarkError) -> None:
    @speaking
    def refuse() -> None:
        raise error

    with pytest.raises(type(error)) as refused:
        refuse()
    assert str(refused.value) == "rate 2\nout x"
    assert getattr(refused.value, "problems", ("rate 2", "out x")) == ("rate 2", "out x")


class Answering(nn.Module):
    """Answers with what a function makes of scores."""

    def __init__(self, made: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.layer, self.made = nn.Linear(64, 2), made

    def forward(self, x: Tensor) -> Any:
        return self.made(self.layer(x.flatten(1)))


def of(made: Callable[[Tensor], Any]) -> dict[str, Any]:
    return {"model": Answering(made)}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a tuple": (of(lambda s: (s, s)), "with a tuple; .* wrap it"),
    "a map": (of(lambda s: s.reshape(-1, 2, 1, 1)), r"a tensor \[2, 2, 1, 1\]"),
    "a number": (of(lambda s: s[:, 0]), r"a tensor \[2\]"),
    "one score": (of(lambda s: s[:, :1]), "1 score an image; one that gives a single score"),
    "two inputs": (
        {"model": nn.Bilinear(64, 64, 2)},
        r"the model does not take images of \(1, 8, 8\)",
    ),
    "lazy layers": ({"model": nn.Sequential(nn.Flatten(), nn.LazyLinear(2))}, "call it once"),
    "a limit in words": ({"max_loss": "1%"}, "^max_loss 1%: expected"),
    "a rate": ({"rate": 2}, "^verdict.rate: expected"),
    "a device": ({"device": "gpu"}, "^device 'gpu'"),
    "classes": ({"classes": "2"}, "^classes: expected how many"),
    "token ids": ({"data": (torch.ones(9, 16, dtype=torch.long), torch.arange(9))}, "by a plan"),
    "lists": ({"data": ([[[0.0] * 4] * 4] * 3, [0, 1, 0])}, "labels beside an image"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_is_named_as_the_caller_named_it(kind: str, model: nn.Module, data: Any) -> None:
    changed, says = REFUSED[kind]
    given = {"model": model, "data": data[0], "test": data[1], "device": "cpu", **changed}
    with pytest.raises(OwnmarkError, match=says) as refused:
        ownmark.mark(given.pop("model"), given.pop("data"), "uchida", **given)
    assert not re.search(r"--[a-z]|ownmark\.api|the arguments", str(refused.value))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rate": "0.05"}, "^rate 0.05: expected"),
        ({"budget": "many"}, "^budget many: expected"),
        ({"device": "gpu"}, "^device 'gpu'"),
    ],
)
def test_verify_names_its_arguments(options: dict[str, Any], says: str, marked: Any) -> None:
    with pytest.raises(OwnmarkError, match=says):
        marked.verify(marked.released, **options)


def test_a_device_of_torch_is_one(marked: Any) -> None:
    assert marked.verify(marked.released, device=torch.device("cpu")).claim is True


def test_names_of_labels_are_a_list_or_a_text(marked: Any) -> None:
    def said(x: Tensor) -> list[str]:
        return [("rising", "falling")[k] for k in marked.released(x).argmax(1)]

    for labels in ("rising, falling", ["rising", "falling"]):
        assert marked.verify(said, labels=labels).claim is True


def test_a_verdict_names_arguments(marked: Any) -> None:
    record = marked.verify(
        lambda x: torch.randint(0, 2, (len(x),), generator=torch.Generator().manual_seed(0))
    )
    assert record.claim is None
    assert 'Service(layout="hwc")' in record["error"]
    assert "--" not in str(record)


def test_the_model_itself_is_no_null_model(model: nn.Module, data: Any, marked: Any) -> None:
    for nulls in (model, [model], [marked.released, model]):
        with pytest.raises(OwnmarkError, match=r"nulls: number [01] is the model itself"):
            ownmark.mark(model, data[0], "content", nulls=nulls, device="cpu")
    with pytest.raises(OwnmarkError, match="nulls: number 0 is the model itself"):
        marked.add_reader("align", marked.released)


class Shifted(nn.Module):
    """Takes away what no file of weights holds."""

    def __init__(self, shift: float = 0.0) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 2)
        self.register_buffer("shift", torch.tensor(shift), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer((x - self.shift).flatten(1))


@pytest.mark.parametrize(("shift", "named"), [(0.0, True), (0.5, False)])
def test_a_class_is_named_only_if_it_makes_the_same_network(shift: float, named: bool) -> None:
    """What no file of weights holds may differ in a later process, and the mark would be read from another network."""
    saved = saved_host(Shifted(shift), (1, 8, 8), {"mean": [0.5]})
    target = f"{Shifted.__module__}:Shifted"
    assert saved == ({"module": {"target": target, "mean": [0.5]}} if named else None)


def test_a_mark_that_a_later_process_cannot_read_is_told_and_takes_its_class(
    marked: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "mark"
    with pytest.warns(UserWarning, match=r"cannot make this Net by itself.*network=\.\.\."):
        replace(marked, _saved=None).save(folder)
    loaded = ownmark.load(folder, network=type(marked.released))
    assert loaded.verify(folder / "released").claim is True
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded.save(tmp_path / "again")
        marked.save(tmp_path / "named")
    for place in ("again", "named"):
        assert ":Net" in (tmp_path / place / "released" / "model.json").read_text()
        named = ownmark.load(tmp_path / place, network=type(marked.released))
        assert named.verify(tmp_path / place / "released").claim is True
