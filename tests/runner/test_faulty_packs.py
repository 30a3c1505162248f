"""What breaks off in a host or a dataset is pinned on its pack, in plans, in records and outside of runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from ownmark.builtin.datasets.digits import Digits
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Images, Term
from ownmark.discovery import Catalog
from ownmark.discovery.problems import Pack
from ownmark.errors import MethodStopped, PackFault, PlanError
from ownmark.methods import Declaration, Kind
from ownmark.ownership.data import fingerprint_of, images_of
from ownmark.ownership.folder import Structure
from ownmark.runner import run
from ownmark.runner.cell import Spec
from ownmark.testing import with_fakes

WHOSE = "faulty-marks 1.2"
DIGITS, CONVNET = "{limit_train: 120, limit_test: 40}", "{width: 0.25, recipe: {epochs: 1}}"
PLAN = """
tasks: [{dataset: {%s: {limit_train: 120, limit_test: 40}}, host: {%s: {width: 0.25, recipe: {epochs: 1}}}}]
schemes: [fake-signs]
verdict: {null_models: 1, keys: 2}
"""


class Unloadable(Digits):
    def load(self) -> Images:
        return {}["train"]  # type: ignore[no-any-return]


class Nothing(Digits):
    def load(self) -> Images:
        return None  # type: ignore[return-value]


class Lists(Digits):
    def load(self) -> Images:
        images = super().load()
        return Images(images.train.x.tolist(), images.test, 10)  # type: ignore[arg-type]


class Leaving(Digits):
    def load(self) -> Images:
        raise SystemExit(0)


class Unprinted(Digits):
    def fingerprint(self) -> str:
        raise AttributeError("no path")


class Unchecked(Digits):
    def check(self) -> None:
        raise ZeroDivisionError("in check")


class Unbuildable(ConvNet):
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


class NoModule(ConvNet):
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return None  # type: ignore[return-value]


class Quitting(ConvNet):
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        raise SystemExit(3)


class Marked(ConvNet):
    def fingerprint(self, which: str) -> str:
        raise KeyError(which)


class Untaught(ConvNet):
    def terms(self) -> Sequence[Term]:
        raise ValueError("no loss")


class Unready(ConvNet):
    def ready(self, network: nn.Module, which: str) -> bool:
        raise OSError("no weights")


class Moody(ConvNet):
    """Builds for the check and no more."""

    built = 0

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        Moody.built += 1
        if Moody.built > 1:
            raise IndexError("once was enough")
        return super().build(shape, classes)


def with_faulty(target: type) -> Catalog:
    """The catalogue with a pack `faulty-marks` that has one method, `faulty`."""
    base = with_fakes()
    kind = Kind.HOST if issubclass(target, ConvNet) else Kind.DATASET
    sound = base.find(kind, "convnet" if kind is Kind.HOST else "digits")
    method: Declaration = dataclasses.replace(
        sound, id="faulty", target=f"{__name__}:{target.__name__}", distribution="faulty-marks"
    )
    pack = Pack("faulty-marks", "1.2", ("faulty",), 1)
    return dataclasses.replace(base, methods=(*base.methods, method), packs=(*base.packs, pack))


def ran(target: type, folder: Path) -> Any:
    names = ("digits", "faulty") if issubclass(target, ConvNet) else ("faulty", "convnet")
    (folder / "p.yaml").write_text(PLAN % names)
    return run(
        folder / "p.yaml",
        out=folder / "run",
        store=folder / "store",
        device="cpu",
        catalog=with_faulty(target),
    )


@pytest.mark.parametrize(
    "target", [Unloadable, Nothing, Lists, Unchecked, Unprinted, Unbuildable, NoModule, Marked]
)
def test_a_plan_that_meets_a_fault_says_whose_it_is(target: type, tmp_path: Path) -> None:
    with pytest.raises((PlanError, PackFault), match=f"fault of the pack {WHOSE}: [A-Z][A-Za-z]+Error"):
        ran(target, tmp_path)


@pytest.mark.parametrize("target", [Leaving, Quitting])
def test_a_pack_that_ends_the_program_is_named(target: type, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=rf"\(of {WHOSE}\) tried to end the program"):
        ran(target, tmp_path)


@pytest.mark.parametrize("target", [Untaught, Unready, Moody])
def test_what_breaks_off_in_the_run_is_a_failed_record_that_names_the_pack(
    target: type, tmp_path: Path
) -> None:
    (record,) = ran(target, tmp_path).failed
    assert record["error"]["type"] == "PackFault"
    assert f"host faulty broke off, which is a fault of the pack {WHOSE}" in record["error"]["message"]


@pytest.mark.parametrize("target", [Unloadable, Unbuildable, NoModule, Unprinted, Leaving, Quitting])
def test_verify_and_attack_name_the_pack_as_well(target: type) -> None:
    catalog, spec = with_faulty(target), Spec("faulty-marks/faulty", "{}", "faulty")
    ways: dict[bool, Callable[[], Any]] = {
        True: lambda: Structure(spec, (1, 8, 8), 10).load(catalog, {}, "suspect"),
        False: lambda: (fingerprint_of(catalog, spec), images_of(catalog, spec)),
    }
    with pytest.raises((PackFault, MethodStopped), match=WHOSE):
        ways[issubclass(target, ConvNet)]()
