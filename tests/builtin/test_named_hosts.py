"""Hosts of other libraries by name: built without downloads, marked under their own names."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from ownmark.discovery import discover
from ownmark.errors import NotApplicable, PlanError
from ownmark.methods import Kind

SMALL = {
    "model_type": "vit", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "patch_size": 4,
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "vit": SMALL,
    "convnext": {"model_type": "convnext", "depths": [1, 1], "hidden_sizes": [8, 16], "num_stages": 2, "patch_size": 2},
    "resnet": {"model_type": "resnet", "embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]},
}  # fmt: skip


def transformers(**params: Any) -> Any:
    pytest.importorskip("transformers")
    return discover().build(Kind.HOST, "transformers", params)


@pytest.mark.parametrize("kind", KINDS)
def test_a_configuration_becomes_a_host_that_answers_with_scores(kind: str) -> None:
    host = transformers(config=KINDS[kind])
    network = host.build((3, 32, 32), 7).eval()
    x = torch.rand(2, 3, 32, 32)
    assert network(x).shape == (2, 7)
    assert torch.equal(network(x), host.bare(network)(x).logits)
    assert not any(name.startswith("model.") for name in host.bare(network).state_dict())


def test_a_folder_of_the_users_names_the_structure_and_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    told = {**SMALL, "auto_map": {"AutoModelForImageClassification": "evil.Model"}, "id2label": {"0": "a"}}
    (tmp_path / "config.json").write_text(json.dumps(told))
    for place in (tmp_path, tmp_path / "config.json"):
        assert transformers(config=str(place)).build((1, 8, 8), 3)(torch.rand(2, 1, 8, 8)).shape == (2, 3)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "config",
    [{"model_type": "no such"}, {"model_type": "bert"}, {}, {**SMALL, "patch_size": 0}, "absent"],
    ids=["unknown", "for text", "empty", "no patches", "no folder"],
)
def test_what_is_no_image_classifier_is_one_sentence(config: Any, tmp_path: Path) -> None:
    given = str(tmp_path / config) if isinstance(config, str) else config
    with pytest.raises(NotApplicable) as refused:
        transformers(config=given).build((3, 32, 32), 7)
    assert str(refused.value)


def test_weights_of_the_library_are_loaded_under_their_names(tmp_path: Path) -> None:
    first = transformers(config=SMALL, mean=[0.5], std=[0.5])
    network = first.build((3, 32, 32), 7)
    first.bare(network).save_pretrained(tmp_path / "mine")
    host = transformers(config=str(tmp_path / "mine"), weights=str(tmp_path / "mine"), mean=[0.5], std=[0.5])
    loaded = host.build((3, 32, 32), 7)
    assert host.ready(loaded, "seed 0")
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(loaded.eval()(x), network.eval()(x))
    assert torch.equal(host.around(host.bare(loaded))(x).logits, loaded(x))


def test_a_host_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for library, name in (("timm", "timm"), ("transformers", "transformers")):
        monkeypatch.setitem(sys.modules, library, None)
        for held in [one for one in sys.modules if one.startswith(f"ownmark.builtin.hosts.{name}")]:
            monkeypatch.delitem(sys.modules, held)
        with pytest.raises(Exception, match=rf"ownmark\[{name}\]"):
            discover().build(Kind.HOST, name, {})


@pytest.mark.parametrize("host", ["timm", "transformers"])
def test_parameters_are_checked_without_the_library(host: str) -> None:
    _, _, problems = discover().validate(Kind.HOST, host, {"nmae": "resnet50"})
    assert any("nmae" in problem for problem in problems)
    with pytest.raises(PlanError):
        discover().build(Kind.HOST, host, {"recipe": {"epochs": -1}})
