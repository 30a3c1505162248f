"""Recorded training steps: the same bytes as steps from Python (on a GPU), and which trainings are recorded."""

from __future__ import annotations

from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Recipe, Samples, seeded
from ownmark.contracts.fit import cross_entropy
from ownmark.contracts.samples import capturable, is_capturable
from ownmark.discovery import discover
from ownmark.loops import Fitter, fit_together
from ownmark.loops.callbacks import Report, StopWhen
from ownmark.loops.graphs import Job
from ownmark.loops.replaying import steps_alone, why_not_recorded
from ownmark.loops.together import share_steps
from ownmark.methods import Kind

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
RECIPE = Recipe(epochs=3, batch_size=32, lr=0.05, schedule="one-cycle", augment="crop-flip")
SIZE = 32 * 8 + 5
"""Images: epochs of batches of two sizes."""


def host(seed: int = 0, id: str = "resnet", **params: Any) -> nn.Module:
    params = params or {"depth": 8, "width": 8}
    with seeded(torch.Generator().manual_seed(seed)):
        network: nn.Module = discover().build(Kind.HOST, id, params).build((3, 16, 16), 10)
        return network


def images() -> Samples:
    draw = torch.Generator().manual_seed(5)
    return Samples(torch.rand(SIZE, 3, 16, 16, generator=draw), torch.randint(10, (SIZE,), generator=draw))


def fitter(seed: int = 0, device: str = "cuda", **options: Any) -> Fitter:
    return Fitter(torch.device(device), torch.Generator().manual_seed(seed), **options)


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@gpu
@pytest.mark.parametrize(
    "changes",
    [
        {}, {"precision": "bfloat16"}, {"optimizer": "adam", "lr": 1e-3}, {"nesterov": True, "clip": 0.5},
        {"optimizer": "adamw", "lr": 1e-3, "channels_last": False}, {"label_smoothing": 0.1, "augment": "none"},
    ],
    ids=str,
)  # fmt: skip
def test_recorded_steps_give_the_bytes_of_steps_from_python(changes: dict[str, Any]) -> None:
    recipe = RECIPE.change(**changes)
    recorded, plain = fitter(), fitter()
    one = recorded(host(), images(), recipe)
    other = plain(host(), images(), recipe.change(compile="off"))
    assert same(one, other)
    assert not same(one, host().cuda())
    assert recorded.samples_seen == plain.samples_seen == 3 * SIZE


@gpu
def test_recorded_steps_are_several_times_shorter_in_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    from ownmark.loops.graphs import Recorder

    recorded: list[int] = []
    former = Recorder._record
    monkeypatch.setattr(Recorder, "_record", lambda self, x: recorded.append(len(x[0])) or former(self, x))
    fitter()(host(), images(), RECIPE)
    assert recorded == [29, 28] or sorted(recorded, reverse=True) == recorded, "one graph for each batch size"


@gpu
def test_networks_trained_side_by_side_are_those_trained_alone() -> None:
    fitters = [fitter(i) for i in range(4)]
    beside = fit_together(fitters, [host(i) for i in range(4)], [images()] * 4, RECIPE)
    for i, network in enumerate(beside):
        assert same(network, fitter(i)(host(i), images(), RECIPE))
        assert fitters[i].samples_seen == 3 * SIZE
        assert not network.training
    assert not same(beside[0], beside[1])


@gpu
def test_dropout_works_recorded_and_keeps_networks_from_sharing_its_draws() -> None:
    def dropping(i: int) -> nn.Module:
        with seeded(torch.Generator().manual_seed(i)):
            return nn.Sequential(
                nn.Flatten(), nn.Linear(768, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 10)
            )

    assert same(fitter()(dropping(0), images(), RECIPE), fitter()(dropping(0), images(), RECIPE))
    beside = fit_together(
        [fitter(i) for i in range(2)], [dropping(i) for i in range(2)], [images()] * 2, RECIPE
    )
    assert same(beside[1], fitter(1)(dropping(1), images(), RECIPE))


@gpu
def test_a_training_stops_after_the_epoch_in_which_the_condition_holds() -> None:
    asked: list[float] = []

    def condition(network: nn.Module) -> bool:
        asked.append(float(next(network.parameters()).sum()))
        return len(asked) == 2

    one = fitter()
    one(host(), images(), RECIPE, callbacks=[StopWhen(condition)])
    assert len(asked) == 2
    assert asked[0] != asked[1]
    assert one.samples_seen == 2 * SIZE


@gpu
def test_a_step_that_cannot_be_recorded_after_all_goes_on_from_python() -> None:
    @capturable  # wrongly: it waits for the device
    def waiting(network: nn.Module, batch: Batch, step: int) -> Tensor:
        return cross_entropy(network, batch, step) * (1.0 if batch.x.sum().item() > 0 else 2.0)

    one = fitter()(host(), images(), RECIPE, terms=[waiting])
    other = fitter()(host(), images(), RECIPE.change(compile="off"), terms=[waiting])
    assert same(one, other)


@gpu
def test_terms_that_change_with_the_step_are_told_it() -> None:
    told: list[int] = []

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        told.append(step)
        return cross_entropy(network, batch, step)

    fitter()(host(), images(), RECIPE, terms=[term])
    assert told == list(range(27))


@gpu
def test_progress_is_told_of_recorded_steps_too() -> None:
    told: list[tuple[int, int]] = []
    fitter(progress=lambda step, steps: told.append((step, steps)))(host(), images(), RECIPE)
    assert told == [(i + 1, 27) for i in range(27)]


def networks_together_are_networks_one_by_one(samples: list[Samples], device: str) -> None:
    recipe, count = RECIPE.change(epochs=1), len(samples)
    hosts, others = ([host(i, "convnet", width=0.25) for i in range(count)] for _ in range(2))
    beside = fit_together([fitter(i, device) for i in range(count)], hosts, samples, recipe)
    alone = [fitter(i, device)(others[i], samples[i], recipe) for i in range(count)]
    assert [same(one, other) for one, other in zip(beside, alone, strict=True)] == [True] * count


OF_THEIR_OWN = [
    [images(), images()],
    [images().first(SIZE // 2), images().select(torch.arange(SIZE // 2, 2 * (SIZE // 2)))],
    [images(), images().first(SIZE // 2)],
]


@pytest.mark.parametrize("samples", OF_THEIR_OWN, ids=["the same", "halves", "of other lengths"])
def test_on_the_cpu_networks_together_are_networks_one_by_one(samples: list[Samples]) -> None:
    networks_together_are_networks_one_by_one(samples, "cpu")


@gpu
@pytest.mark.parametrize("samples", OF_THEIR_OWN, ids=["the same", "halves", "of other lengths"])
def test_networks_side_by_side_have_images_of_their_own(samples: list[Samples]) -> None:
    networks_together_are_networks_one_by_one(samples, "cuda")


def job(recipe: Recipe = RECIPE, terms: Any = (cross_entropy,), transforms: Any = ()) -> Job:
    return fitter(0, "cpu").job(nn.Linear(2, 2), images(), recipe, terms, transforms)


def test_plain_trainings_are_recorded() -> None:
    assert why_not_recorded(job()) == ""
    assert steps_alone(job(), [StopWhen(lambda network: False), Report(lambda step, steps: None, 3)])


def test_what_is_not_recorded_has_a_reason() -> None:
    def stateful(network: nn.Module, batch: Batch, step: int) -> Tensor:
        return cross_entropy(network, batch, step) * step

    assert "compile: off" in why_not_recorded(job(RECIPE.change(compile="off")))
    assert "too few" in why_not_recorded(job(RECIPE.change(epochs=1)))
    assert "stateful" in why_not_recorded(job(terms=[stateful]))
    assert "<lambda>" in why_not_recorded(job(transforms=[lambda batch, rng: batch]))
    assert not is_capturable(stateful)


def test_whoever_has_a_part_in_a_step_gets_lightnings_own() -> None:
    class Watching(pl.Callback):
        def on_after_backward(self, *_: Any) -> None:
            raise AssertionError

    assert not steps_alone(job(), [Watching()])
    assert not steps_alone(job(RECIPE.change(optimizer="rmsprop")), [])


def test_steps_are_shared_by_networks_that_nobody_tells_apart() -> None:
    class Stops(pl.Callback):
        def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
            trainer.should_stop = True

    def stateful(network: nn.Module, batch: Batch, step: int) -> Tensor:
        return cross_entropy(network, batch, step) * torch.rand(())

    pair = [job(), job()]
    assert share_steps(pair, [])
    assert share_steps(pair, [Report(lambda step, steps: None, 3)])
    assert not share_steps([job()], [])
    assert not share_steps(pair, [Stops()])
    assert not share_steps(pair, [StopWhen(lambda network: True)])
    assert not share_steps([job(), job(RECIPE.change(epochs=4))], [])
    assert not share_steps([job(), job(terms=[stateful])], [])


def test_presets_name_recipes() -> None:
    def recipe(host: str, params: dict[str, Any]) -> Recipe:
        found: Recipe = discover().build(Kind.HOST, host, params).recipe
        return found

    paper = recipe("resnet", {})
    fast = recipe("resnet", {"recipe": {"preset": "fast", "epochs": 3}})
    assert (paper.epochs, fast.epochs) == (100, 3)
    assert (fast.schedule, fast.batch_size, fast.precision) == ("one-cycle", 512, "bfloat16")
    for host, params in (
        ("resnet", {"recipe": {"preset": "quick"}}),
        ("lenet5", {"recipe": {"preset": "fast"}}),
    ):
        with pytest.raises(Exception, match="preset"):
            recipe(host, params)
