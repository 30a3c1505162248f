"""Reconstruction: a planted trigger is found, and classes do not feel each other."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import Samples
from ownmark_laundering import cleanse
from ownmark_laundering.cleanse import Reconstruction, blend, draws, random_start, reconstruct, reverse
from ownmark_laundering.config import ReconstructionConfig
from ownmark_laundering.laundering.attack import Laundering
from ownmark_laundering.laundering.config import LaunderingConfig
from ownmark_laundering.neural_cleanse.attack import NeuralCleanse
from ownmark_laundering.neural_cleanse.config import NeuralCleanseConfig
from ownmark_laundering.outliers import anomaly, flagged

SHORT = ReconstructionConfig(steps=4, images=32, batch_size=16, success=0.3, patience=1)


def fields(found: Reconstruction) -> dict[str, Tensor]:
    return {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}


def assert_same(one: Reconstruction, two: Reconstruction, atol: float = 1e-4) -> None:
    for name, value in fields(one).items():
        torch.testing.assert_close(value.float(), fields(two)[name].float(), atol=atol, rtol=0, msg=name)


def test_planted_corner_has_the_smallest_mask_and_is_flagged(
    planted: nn.Module, clean: Samples, target: int, rng: Any
) -> None:
    config = ReconstructionConfig(steps=60, images=64, patience=3)
    found = reconstruct(planted, clean.x, 6, config, rng(0))
    assert int(found.norms.argmin()) == target
    assert float(anomaly(found.norms)[target]) > 2
    assert flagged(found.norms, 2.0)[:1] == [target]
    assert float(found.masks[target, 0, 7:, 7:].sum() / found.norms[target]) > 0.5
    stamped = planted(found.stamp(clean.x, target)).argmax(1)
    assert float((stamped == target).float().mean()) > 0.85


def test_all_classes_at_once_equal_class_by_class(stolen: Any, data: Samples, rng: Any) -> None:
    network = stolen.network.double()
    x, start = data.x.double(), random_start(4, (1, 8, 8), rng(0)).double()
    labels = torch.arange(4)
    with cleanse.fixed(network):
        together = reverse(network, x, start, labels, SHORT, 5)
        for k in range(4):
            alone = reverse(network, x, start[k : k + 1], labels[k : k + 1], SHORT, 5)
            assert_same(alone, Reconstruction(**{n: v[k : k + 1] for n, v in fields(together).items()}))


@pytest.mark.parametrize("at_once", [1, 16, 40, 5000])
def test_chunks_of_classes_change_nothing(stolen: Any, data: Samples, rng: Any, at_once: int) -> None:
    config = dataclasses.replace(SHORT, at_once=at_once)
    whole = reconstruct(stolen.network, data.x, 4, SHORT, rng(0))
    assert_same(whole, reconstruct(stolen.network, data.x, 4, config, rng(0)), atol=2e-3)


def test_a_class_that_is_done_leaves_the_others_as_they_are(stolen: Any, data: Samples, rng: Any) -> None:
    config = ReconstructionConfig(
        steps=20, images=16, batch_size=16, success=0.01, patience=1, schedule="fixed"
    )
    network = stolen.network.double()
    x, start = data.x.double(), random_start(4, (1, 8, 8), rng(0)).double()
    with cleanse.fixed(network):
        together = reverse(network, x, start, torch.arange(4), config, 5)
        alone = reverse(network, x, start[3:], torch.tensor([3]), config, 5)
    assert_same(alone, Reconstruction(**{n: v[3:] for n, v in fields(together).items()}))


def test_exhausted_memory_gives_the_same_reconstruction(
    stolen: Any, data: Samples, rng: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reconstruct(stolen.network, data.x, 4, SHORT, rng(0))
    real = cleanse.reverse

    def tight(network: nn.Module, x: Tensor, start: Tensor, *rest: Any) -> Reconstruction:
        if len(start) > 2:
            raise torch.cuda.OutOfMemoryError
        return real(network, x, start, *rest)

    monkeypatch.setattr(cleanse, "reverse", tight)
    assert_same(whole, reconstruct(stolen.network, data.x, 4, SHORT, rng(0)), atol=2e-3)


def test_equal_seeds_equal_triggers_and_the_network_stays(stolen: Any, data: Samples, rng: Any) -> None:
    stolen.network.train()
    before = {name: value.clone() for name, value in stolen.network.state_dict().items()}
    one, two, other = (reconstruct(stolen.network, data.x, 4, SHORT, rng(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(value, fields(two)[name]) for name, value in fields(one).items())
    assert not torch.equal(one.masks, other.masks)
    assert all(torch.equal(value, before[name]) for name, value in stolen.network.state_dict().items())
    assert stolen.network.training
    assert all(
        parameter.requires_grad and parameter.grad is None for parameter in stolen.network.parameters()
    )


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (1, 28, 28), (3, 9, 12)], ids=str)
@pytest.mark.parametrize("norm", ["batch", "group", "none"])
def test_shapes(host: Any, rng: Any, shape: tuple[int, int, int], norm: str) -> None:
    network = host(shape, 3, norm=norm)
    x = torch.rand((10, *shape), generator=rng(0))
    found = reconstruct(network, x, 3, dataclasses.replace(SHORT, steps=1), rng(0))
    assert found.masks.shape == (3, 1, *shape[1:])
    assert found.patterns.shape == found.pictures.shape == (3, *shape)
    for part in (found.masks, found.patterns):
        assert float(part.min()) >= 0
        assert float(part.max()) <= 1


def test_blend_is_equation_1() -> None:
    x, pattern = torch.full((2, 3, 4, 4), 0.2), torch.full((3, 4, 4), 1.0)
    mask = torch.zeros(1, 4, 4)
    mask[0, 0, 0], mask[0, 1, 1] = 1.0, 0.5
    mixed = blend(x, mask, pattern)
    assert mixed[:, :, 0, 0].unique().tolist() == [1.0]
    assert mixed[:, :, 1, 1].unique().tolist() == pytest.approx([0.6])
    assert mixed[:, :, 2, 2].unique().tolist() == pytest.approx([0.2])


def test_a_class_without_a_working_trigger_counts_as_the_whole_image() -> None:
    masks = torch.full((2, 1, 4, 4), 0.25)
    found = Reconstruction(masks, masks, torch.tensor([1.0, 0.3]), torch.tensor([True, False]))
    assert found.norms.tolist() == [4.0, 16.0]


def test_every_image_is_shown_before_one_comes_again() -> None:
    config = ReconstructionConfig(steps=3, images=20, batch_size=4)
    for batches in draws(10, config, 0):
        assert batches.shape == (5, 4)
        assert batches.flatten()[:10].unique().tolist() == list(range(10))
    assert next(draws(3, config, 0)).shape == (6, 3)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8)], ids=str)
def test_memory_order_changes_no_trigger(
    shape: tuple[int, int, int], host: Any, rng: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, x = host(shape).double(), torch.rand((32, *shape), generator=rng(3)).double()
    found = reconstruct(network, x, 4, SHORT, rng(0))
    assert all(parameter.is_contiguous() for parameter in network.parameters())
    monkeypatch.setattr(cleanse, "ORDER", torch.contiguous_format)
    assert_same(reconstruct(network, x, 4, SHORT, rng(0)), found, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["laundering", "neural_cleanse"])
def test_triggers_are_sought_in_the_precision_of_the_recipe(
    kind: str, precision: Any, stolen: Any, looking: Any, rng: Any
) -> None:
    given: dict[str, Any] = {"steps": 2, "images": 32, "recipe": {"precision": precision}}
    attack: Any = (
        Laundering(LaunderingConfig(**given))
        if kind == "laundering"
        else NeuralCleanse(NeuralCleanseConfig(**given))
    )
    layer = next(module for module in stolen.network.modules() if isinstance(module, nn.Conv2d))
    seen: list[torch.dtype] = []
    layer.register_forward_hook(lambda module, inputs, made: seen.append(made.dtype))
    masks = attack.attack(stolen, looking, rng(0)).exhibits["masks"]
    assert (torch.bfloat16 in seen[:2]) == (precision == "bfloat16")
    assert masks.dtype == torch.float32
