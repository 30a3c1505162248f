"""Slips of a pack's author: what comes back is not what the contract says, and the sentence says what to return."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.testing.broken import declare
from torch import nn

from ownmark.builtin.datasets.digits import Digits
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Key, Suspect
from ownmark.discovery import Catalog
from ownmark.errors import PlanError
from ownmark.methods import Declaration, Kind, Need
from ownmark.runner import run
from ownmark.testing import CheckFailed, CheckSkipped, checks_for, run_check, with_fakes
from ownmark.testing.check import REGISTRY
from ownmark.testing.fakes import Echo, SignMark, SignReader, TriggerReader

PLAN = """
tasks: [{dataset: {%s: {limit_train: 120, limit_test: 40}}, host: {%s: {width: 0.25, recipe: {epochs: 1}}}}]
schemes: [%s]
attacks: [%s]
extractors: [%s]
verdict: {null_models: 1, keys: 2}
"""


class BareNetwork(SignMark):
    def embed(self, *args: Any) -> Any:
        return super().embed(*args).network


class Pair(SignMark):
    def embed(self, *args: Any) -> Any:
        marked = super().embed(*args)
        return marked.network, marked.key


class DictKey(SignMark):
    def make_key(self, *args: Any) -> Any:
        return dict(super().make_key(*args).tensors)


class NoKey(SignMark):
    def make_key(self, *args: Any) -> Any:
        super().make_key(*args)


class BareSuspect(Echo):
    def attack(self, stolen: Any, *args: Any) -> Any:
        return stolen.network


class NoSuspect(Echo):
    def attack(self, *args: Any) -> Any:
        super().attack(*args)


class NoFront(Echo):
    def serve(self, *args: Any) -> Any:
        return None


class Share(SignReader):
    def extract(self, *args: Any) -> Any:
        return super().extract(*args).rate


class Matches(SignReader):
    def extract(self, *args: Any) -> Any:
        return super().extract(*args).matches


class Shares(SignReader):
    def extract(self, *args: Any) -> Any:
        found = super().extract(*args)
        return dataclasses.replace(found, matches=found.matches * 0.7)


class Nothing(SignReader):
    def extract(self, *args: Any) -> Any:
        found = super().extract(*args)
        return dataclasses.replace(found, matches=found.matches * float("nan"))


class Percent(SignReader):
    def extract(self, *args: Any) -> Any:
        return dataclasses.replace(super().extract(*args), chance=50)


class Tuples(Digits):
    def load(self) -> Any:
        images = super().load()
        return images.train, images.test


class Arrays(Digits):
    def load(self) -> Any:
        return super().load().train.x.numpy()


class Layers(ConvNet):
    def build(self, *args: Any) -> Any:
        return list(super().build(*args).children())


class NoNetwork(ConvNet):
    def build(self, *args: Any) -> Any:
        super().build(*args)


class TensorInValues(SignMark):
    def make_key(self, *args: Any) -> Any:
        key = super().make_key(*args)
        return Key(key.scheme, key.tensors, {**key.values, "place": torch.tensor(3)})


class SetInValues(SignMark):
    def make_key(self, *args: Any) -> Any:
        return super().make_key(*args).add(layers={"a", "b"})


class Undeclared(Echo):
    """Needs images, and does not say so."""

    def attack(self, stolen: Any, *args: Any) -> Any:
        return Suspect(stolen.network, {"images": float(len(stolen.images()))})


@dataclasses.dataclass
class Bare:
    """Without @configuration."""

    amount: float = 1.0


class NoRecipe(ConvNet):
    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self.config = None  # type: ignore[assignment]

    def build(self, shape: Any, classes: int) -> Any:
        return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], classes))


SAYS = {
    BareNetwork: "embed gives a \\w+ where the contract has Marked; return Marked",
    Pair: "embed gives a tuple where the contract has Marked; return Marked",
    DictKey: "make_key gives a dict where the contract has Key; return Key",
    NoKey: "make_key gives nothing where the contract has Key; return Key",
    BareSuspect: "attack gives a \\w+ where the contract has Suspect; return Suspect",
    NoSuspect: "attack gives nothing where the contract has Suspect; return Suspect",
    NoFront: "serve gives nothing where the contract has Module; return a torch.nn.Module",
    Share: "extract gives a float where the contract has Evidence; return Evidence",
    Matches: "extract gives a Tensor where the contract has Evidence; return Evidence",
    Shares: "matches of torch.float32 that are neither 0 nor 1; compare",
    Nothing: "matches of torch.float32 that are neither 0 nor 1; compare",
    Percent: "extract gives a chance of 50; it is that of one symbol to match",
    Tuples: "load gives a tuple where the contract has Images; return Images",
    Arrays: "load gives a ndarray where the contract has Images; return Images",
    Layers: "build gives a list where the contract has Module; return a torch.nn.Module",
    TensorInValues: "value 'place' is a Tensor and cannot be written as JSON.*put tensors into `tensors`",
    SetInValues: "value 'layers' is a set and cannot be written as JSON",
    NoRecipe: "its parameters have no `recipe`; give them one",
    NoNetwork: "build gives nothing where the contract has Module; return a torch.nn.Module",
}
SOUND: dict[type, tuple[Kind, str]] = {
    SignMark: (Kind.SCHEME, "fake-signs"), Echo: (Kind.ATTACK, "fake-echo"), SignReader: (Kind.EXTRACTOR, "fake-signs"),
    Digits: (Kind.DATASET, "digits"), ConvNet: (Kind.HOST, "convnet"),
}  # fmt: skip


def slipped(target: type) -> tuple[Declaration, Catalog, str]:
    """The method, a catalogue with it and a plan that uses it."""
    base = with_fakes()
    kind, id = next(found for parent, found in SOUND.items() if issubclass(target, parent))
    sound = base.find(kind, id if kind in (Kind.DATASET, Kind.HOST) else f"fakes/{id}")
    method = dataclasses.replace(
        sound,
        id="slip",
        target=f"{__name__}:{target.__name__}",
        distribution="ownmark-fakes",
        smoke=dict(sound.smoke),
    )
    names = {Kind.DATASET: "digits", Kind.HOST: "convnet", Kind.SCHEME: "fake-signs", Kind.ATTACK: "fake-echo",
             Kind.EXTRACTOR: "default"} | {kind: "slip"}  # fmt: skip
    return method, dataclasses.replace(base, methods=(*base.methods, method)), PLAN % tuple(names.values())


@pytest.mark.parametrize("target", SAYS, ids=lambda one: one.__name__)
def test_the_kit_says_what_to_return(target: type) -> None:
    method, catalog, _ = slipped(target)
    said = []
    for check in checks_for(method):
        if not check.thorough and not check.light:
            try:
                run_check(check, method, catalog)
            except CheckFailed as failure:
                said.append(str(failure))

    assert any(re.search(SAYS[target], one) for one in said), said


@pytest.mark.parametrize("target", [one for one in SAYS if one is not NoFront], ids=lambda one: one.__name__)
def test_a_run_says_what_to_return(target: type, tmp_path: Path) -> None:
    _, catalog, plan = slipped(target)
    (tmp_path / "p.yaml").write_text(plan)

    try:
        done = run(
            tmp_path / "p.yaml", out=tmp_path / "r", store=tmp_path / "s", device="cpu", catalog=catalog
        )
    except PlanError as error:
        said = str(error)
    else:
        said = " ".join(record["error"]["message"] for record in done.failed)
    assert re.search(SAYS[target], said), said


def test_an_attack_that_does_not_declare_its_needs_is_told_to() -> None:
    method, catalog, _ = slipped(Undeclared)
    with pytest.raises(CheckFailed, match=r"granted what it declares, needs: nothing.* such as Need.DATA"):
        run_check(REGISTRY["attack-suspect-is-sound"], method, catalog)


@pytest.mark.parametrize("kind", [Kind.ATTACK, Kind.SCHEME])
def test_a_parameter_class_that_is_none_is_told_in_one_sentence(kind: Kind) -> None:
    method, catalog, _ = slipped(Undeclared if kind is Kind.ATTACK else BareNetwork)
    method = dataclasses.replace(method, config=f"{__name__}:Bare", smoke={"amount": 2.0})
    catalog = dataclasses.replace(catalog, methods=(*catalog.methods[:-1], method))
    problems = catalog.validate(kind, "slip", {"amount": 2.0}).problems
    assert problems == [
        f"{kind} fakes/slip: {__name__}:Bare is no parameter class; put @configuration above it"
    ]


class Networked(TriggerReader):
    """Declares a black box and looks inside."""

    def extract(self, suspect: Any, key: Any, own: Any = None) -> Any:
        return suspect.network(key["triggers"])


class Asking(SignReader):
    """Declares a white box and asks it."""

    def extract(self, suspect: Any, key: Any, own: Any = None) -> Any:
        return suspect.predict(key["bits"])


class Foreign(TriggerReader):
    """For keys that no scheme here has."""

    def extract(self, suspect: Any, key: Any, own: Any = None) -> Any:
        return key["something_else"]


@pytest.mark.parametrize(
    ("target", "access", "says"),
    [
        (Networked, Need.BLACK_BOX, "no attribute 'network'; with black-box access it is handed a BlackBox"),
        (Asking, Need.WHITE_BOX, "no attribute 'predict'; with white-box access it is handed a WhiteBox"),
    ],
)
def test_an_extractor_alone_that_looks_for_what_it_is_not_handed_fails(
    target: type, access: Need, says: str
) -> None:
    method = declare(
        Kind.EXTRACTOR, target, id="alone", needs=frozenset({access}), distribution="alone-marks"
    )
    with pytest.raises(CheckFailed, match=says):
        run_check(REGISTRY["extractor-evidence-is-sound"], method, with_fakes())


def test_an_extractor_of_foreign_keys_is_skipped_with_what_went_wrong() -> None:
    method = declare(
        Kind.EXTRACTOR, Foreign, id="alone", needs=frozenset({Need.BLACK_BOX}), distribution="alone-marks"
    )
    with pytest.raises(
        CheckSkipped, match=r"\(fakes/fake-triggers: KeyError: 'something_else'\); bring a scheme"
    ):
        run_check(REGISTRY["extractor-evidence-is-sound"], method, with_fakes())
