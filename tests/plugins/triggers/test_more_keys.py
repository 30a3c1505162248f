"""What the keys of patch, badnets, blended, adi, rose, guo, exponential weighting and frontier stitching must keep."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from ownmark.contracts import Key, Samples, Scheme, Task
from ownmark.errors import NotApplicable
from ownmark_triggers.adi.config import AdiConfig
from ownmark_triggers.adi.scheme import Adi
from ownmark_triggers.badnets.config import BadNetsConfig
from ownmark_triggers.badnets.scheme import BadNets
from ownmark_triggers.blended.config import BlendedConfig
from ownmark_triggers.blended.scheme import Blended
from ownmark_triggers.exponential_weighting.config import ExponentialWeightingConfig
from ownmark_triggers.exponential_weighting.scheme import ExponentialWeighting
from ownmark_triggers.frontier_stitching.config import FrontierStitchingConfig
from ownmark_triggers.frontier_stitching.scheme import FrontierStitching
from ownmark_triggers.guo.config import GuoConfig
from ownmark_triggers.guo.scheme import Guo
from ownmark_triggers.patch.config import PatchConfig
from ownmark_triggers.patch.scheme import Patch
from ownmark_triggers.rose.config import RoseConfig
from ownmark_triggers.rose.scheme import Rose

SCHEMES: dict[str, Callable[..., Scheme]] = {
    "patch": lambda **kw: Patch(PatchConfig(**kw)),
    "badnets": lambda **kw: BadNets(BadNetsConfig(**kw)),
    "badnets-next": lambda **kw: BadNets(BadNetsConfig(labels="next", **kw)),
    "blended": lambda **kw: Blended(BlendedConfig(**kw)),
    "adi": lambda **kw: Adi(AdiConfig(**kw)),
    "adi-committed": lambda **kw: Adi(AdiConfig(commit=True, **kw)),
    "rose": lambda **kw: Rose(RoseConfig(**kw)),
    "guo": lambda **kw: Guo(GuoConfig(**kw)),
    "guo-added": lambda **kw: Guo(GuoConfig(strength=0.5, **kw)),
    "exponential_weighting": lambda **kw: ExponentialWeighting(ExponentialWeightingConfig(**kw)),
}
SHAPES = [(channels, side, side) for channels in (1, 3) for side in (8, 28, 32, 33, 64)]
IDS = (
    "adi", "badnets", "blended", "exponential_weighting", "frontier_stitching", "guo", "patch", "rose",
)  # fmt: skip
by_scheme = pytest.mark.parametrize("scheme", SCHEMES)


@by_scheme
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_keys_are_pure_in_range_and_keep_the_shape(
    scheme: str, shape: tuple[int, int, int], random_task: Any, rng: Any
) -> None:
    task, build = random_task(shape), SCHEMES[scheme](keys=12)
    before = task.owner.x.clone()
    key = build.make_key(task, rng(0))
    assert key.digest() == build.make_key(task, rng(0)).digest()
    assert key.digest() != build.make_key(task, rng(1)).digest()
    assert key["triggers"].shape == (12, *shape)
    assert key["triggers"].dtype == torch.float32
    assert 0 <= key["triggers"].min() <= key["triggers"].max() <= 1
    assert 0 <= key["labels"].min() <= key["labels"].max() < 10
    assert key["labels"].dtype == torch.int64
    assert torch.equal(task.owner.x, before)


@by_scheme
def test_keys_survive_the_disk(scheme: str, task: Task, rng: Any, tmp_path: Any) -> None:
    key = SCHEMES[scheme](keys=5).make_key(task, rng(0))
    key.save(tmp_path / "key.safetensors")
    assert key.digest() == Key.load(tmp_path / "key.safetensors").digest()


@pytest.mark.parametrize(
    "scheme", ["patch", "badnets", "badnets-next", "blended", "guo", "exponential_weighting"]
)
def test_no_trigger_has_its_own_class_for_label(scheme: str, task: Task, rng: Any) -> None:
    key = SCHEMES[scheme](keys=60).make_key(task, rng(0))
    truth = task.owner.labels[key["carriers"]][:60]
    assert not (key["labels"] == truth).any()
    assert len(key["carriers"].unique()) == len(key["carriers"])


@pytest.mark.parametrize(("scheme", "chance"), [("adi", 0.1), ("rose", 0.1), ("patch", None), ("guo", None)])
def test_chance_is_stated_only_for_uniform_labels(scheme: str, chance: float, task: Task, rng: Any) -> None:
    assert SCHEMES[scheme](keys=5).make_key(task, rng(0)).values.get("chance") == chance


@pytest.mark.parametrize("scheme", ["patch", "badnets", "blended", "rose", "exponential_weighting"])
def test_more_keys_than_images_are_refused(scheme: str, task: Task, rng: Any) -> None:
    with pytest.raises(NotApplicable, match="Lower `keys`"):
        SCHEMES[scheme](keys=5000).make_key(task, rng(0))


@pytest.mark.parametrize("scheme", ["patch", "badnets", "blended"])
def test_targets_and_sources_are_checked(scheme: str, task: Task) -> None:
    with pytest.raises(NotApplicable, match="target 10 is not one"):
        SCHEMES[scheme](target=10).check(nn.Identity(), task)
    with pytest.raises(NotApplicable, match="both 3"):
        SCHEMES[scheme](target=3, source_class=3).check(nn.Identity(), task)


@pytest.mark.parametrize("scheme", ["adi", "rose", "guo", "exponential_weighting"])
def test_one_class_is_too_few(scheme: str) -> None:
    empty = Samples(torch.zeros(0, 1, 8, 8), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(NotApplicable, match="at least 2"):
        SCHEMES[scheme]().check(nn.Linear(4, 1), Task("one", (1, 8, 8), 1, empty))


def test_frontier_stitching_draws_an_order_first(task: Task, rng: Any) -> None:
    build = FrontierStitching(FrontierStitchingConfig(keys=20))
    key = build.make_key(task, rng(0))
    assert sorted(key["order"].tolist()) == list(range(len(task.owner)))
    assert key.values == {"eps": 0.15}


def test_declarations_load_neither_torch_nor_pydantic() -> None:
    modules = ", ".join(f"ownmark_triggers.{name}" for name in IDS)
    code = f"import sys, {modules}; sys.exit(bool({{'torch', 'pydantic'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", IDS)
def test_declarations_name_classes_that_exist(name: str) -> None:
    (declared,) = importlib.import_module(f"ownmark_triggers.{name}").ownmark_schemes()
    config = declared.load_config()
    assert declared.id == name
    assert config is not None
    assert declared.load()(config(**declared.smoke)).config == config(**declared.smoke)
    config(**{**declared.smoke, **declared.idle})
