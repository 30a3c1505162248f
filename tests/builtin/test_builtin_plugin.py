"""The declarations: loadable, light, and documented."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import TypeAdapter

from ownmark.builtin import plugin
from ownmark.contracts import Dataset, Host
from ownmark.methods import Kind

ALL = [*plugin.ownmark_datasets(), *plugin.ownmark_hosts(), *plugin.ownmark_metrics()]
HEAVY = "torch sklearn numpy pydantic torchmetrics pytorch_lightning datasets"


def test_ids():
    assert {d.id for d in ALL if d.kind is Kind.DATASET} == {
        "digits", "npz", "folder", "wav-folder", "hub", "mnist", "fashion-mnist", "cifar10", "cifar10-small",
        "cifar100-subset", "orl-faces", "function",
    }  # fmt: skip
    assert {d.id for d in ALL if d.kind is Kind.HOST} == {
        "convnet", "lenet5", "resnet", "wide_resnet", "vgg", "mobilenet_v2", "module", "timm", "transformers"
    }  # fmt: skip


def test_listing_imports_nothing_heavy():
    code = f"import sys, ownmark.builtin.plugin; print([m for m in '{HEAVY}'.split() if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("declaration", [d for d in ALL if not d.requires], ids=lambda d: d.id)
def test_target_and_configuration_load(declaration):
    bases = {Kind.DATASET: Dataset, Kind.HOST: Host}
    assert issubclass(declaration.load(), bases.get(declaration.kind, object))
    config = declaration.load_config()
    if config and declaration.id != "npz":
        TypeAdapter(config).validate_python(dict(declaration.smoke))


@pytest.mark.parametrize("declaration", [d for d in ALL if d.config], ids=lambda d: d.id)
def test_every_parameter_has_a_help_text(declaration):
    fields = declaration.load_config().__pydantic_fields__
    assert [name for name, field in fields.items() if not field.description] == []
