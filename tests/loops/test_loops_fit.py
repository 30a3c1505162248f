"""`Fitter`: what a training sees, changes and leaves behind."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger
from torch import Tensor, nn

from ownmark.contracts import Batch, Recipe, Samples, cross_entropy
from ownmark.loops import Fitter
from ownmark.loops.callbacks import StopWhen
from ownmark.loops.module import TrainingDiverged
from ownmark.loops.schedule import optimizer, rate_factor

Make = Callable[..., Fitter]


def state_bytes(network: nn.Module) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in network.state_dict().items()}


def seen_by(terms: list[tuple[Any, ...]]) -> Callable[[nn.Module, Batch, int], Tensor]:
    """A term that notes (step, index, mode) and leaves the loss alone."""

    def note(network: nn.Module, batch: Batch, step: int) -> Tensor:
        terms.append((step, batch.index.tolist(), network.training))
        return batch.output(network).sum() * 0

    return note


# --- determinism ------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_whatever_the_global_state(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    trained = []
    for stray in range(2):
        torch.manual_seed(stray)
        trained.append(fitter()(copy.deepcopy(network), samples, recipe.change(augment="crop-flip")))
    assert state_bytes(trained[0]) == state_bytes(trained[1])


def test_another_seed_gives_another_network(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    first, second = (fitter(seed)(copy.deepcopy(network), samples, recipe) for seed in range(2))
    assert state_bytes(first) != state_bytes(second)


def test_a_second_training_of_one_fitter_draws_on(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    fit = fitter()
    assert state_bytes(fit(copy.deepcopy(network), samples, recipe)) != state_bytes(
        fit(copy.deepcopy(network), samples, recipe)
    )


def test_the_global_random_state_is_left_alone(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    state = torch.get_rng_state()
    fitter()(network, samples, recipe)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "rmsprop"])
def test_training_is_the_plain_loop(kind: Any, samples: Samples, recipe: Recipe, fitter: Make) -> None:
    """Against a bare loop on the batches that the training was seen to take."""
    recipe = recipe.change(
        optimizer=kind, lr=0.01, schedule="cosine", weight_decay=0.1, clip=0.5, nesterov=kind == "sgd"
    )
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    oracle, notes = copy.deepcopy(network), []
    fitter()(network, samples, recipe, terms=(cross_entropy, seen_by(notes)))
    chosen = optimizer(recipe, oracle.parameters())
    for step, index, _ in notes:
        for group in chosen.param_groups:
            group["lr"] = recipe.lr * rate_factor(recipe, step, len(notes))
        chosen.zero_grad()
        F.cross_entropy(oracle(samples.x[index]), samples.labels[index]).backward()
        nn.utils.clip_grad_norm_(oracle.parameters(), recipe.clip)
        chosen.step()
    assert torch.allclose(network[1].weight, oracle[1].weight, atol=1e-6)
    assert len(notes) == 6


def test_cudnn_is_held_to_algorithms_that_repeat_themselves_while_training(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    """On an H100, float32 trainings of one seed differed without it."""
    seen = []

    def look(network: nn.Module, batch: Batch, step: int) -> Tensor:
        seen.append((torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark))
        return cross_entropy(network, batch, step)

    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    fitter()(network, samples, recipe, terms=(look,))
    assert set(seen) == {(True, False)}
    assert (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark) == before


# --- batches, terms, steps --------------------------------------------------------------------------------------------


def test_every_epoch_shows_each_image_once_in_batches_of_equal_size(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    notes: list[tuple[Any, ...]] = []
    fit = fitter()
    fit(network, samples, recipe, terms=(cross_entropy, seen_by(notes)))
    assert [len(index) for _, index, _ in notes] == [8, 7, 7, 8, 7, 7]
    epochs = [[i for _, index, _ in notes[at : at + 3] for i in index] for at in (0, 3)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(22))] * 2
    assert epochs[0] != epochs[1]
    assert fit.samples_seen == 44


def test_terms_are_summed_and_told_the_step(samples: Samples, recipe: Recipe, fitter: Make) -> None:
    """The gradient of w + 2 w is 3, so each plain SGD step of rate 0.05 takes off 0.15."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 1, bias=False))
    nn.init.zeros_(network[1].weight)
    steps: list[int] = []

    def pull(strength: float) -> Any:
        def term(network: Any, batch: Batch, step: int) -> Tensor:
            steps.append(step)
            return strength * network[1].weight.sum()

        return term

    fitter()(network, samples, recipe.change(momentum=0.0), terms=(pull(1.0), pull(2.0)))
    assert torch.allclose(network[1].weight, torch.full((1, 16), -0.15 * 6))
    assert steps == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_transforms_run_in_order_after_the_augmentation_and_count_what_they_append(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    extra = Samples(torch.full((2, 1, 4, 4), 0.5), torch.tensor([0, 1]))
    seen = []

    def append(batch: Batch, rng: torch.Generator) -> Batch:
        return batch.append(extra)

    def look(batch: Batch, rng: torch.Generator) -> Batch:
        seen.append(batch.index.tolist())
        return batch

    fit = fitter()
    fit(network, samples, recipe.change(epochs=1, augment="crop"), transforms=(append, look))
    assert [len(index) for index in seen] == [10, 9, 9]
    assert all(index[-2:] == [-1, -1] for index in seen)
    assert fit.samples_seen == 22 + 3 * 2


def test_unlabelled_samples_train_with_a_term_of_their_own(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    def entropy(network: nn.Module, batch: Batch, step: int) -> Tensor:
        assert batch.y is None
        log = batch.output(network).log_softmax(1)
        return -(log.exp() * log).sum(1).mean()

    before = state_bytes(network)
    fitter()(network, samples.unlabelled(), recipe, terms=(entropy,))
    assert state_bytes(network) != before


def test_only_the_chosen_parameters_change_and_all_get_their_flags_back(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    network[0].bias.requires_grad_(False)
    before = {name: value.clone() for name, value in network.named_parameters()}
    fitter()(network, samples, recipe, trains=lambda name: name.startswith("5.") or name == "0.bias")
    changed = {name for name, value in network.named_parameters() if not torch.equal(value, before[name])}
    assert changed == {"5.weight", "5.bias"}
    assert {name for name, value in network.named_parameters() if not value.requires_grad} == {"0.bias"}


def test_flags_come_back_after_a_training_that_failed(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    def broken(network: nn.Module, batch: Batch, step: int) -> Tensor:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        fitter()(network, samples, recipe, terms=(broken,), trains=lambda name: name == "5.bias")
    assert all(parameter.requires_grad for parameter in network.parameters())


# --- modes, memory, arithmetic ----------------------------------------------------------------------------------------


def test_networks_train_in_train_mode_and_come_back_in_eval_mode(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    notes: list[tuple[Any, ...]] = []
    statistics = network[1].running_mean.clone()
    trained = fitter()(network.eval(), samples, recipe, terms=(cross_entropy, seen_by(notes)))
    assert trained is network
    assert all(training for *_, training in notes)
    assert not any(module.training for module in network.modules())
    assert not torch.equal(network[1].running_mean, statistics)


def test_a_term_may_hold_norms_in_eval_mode(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    def frozen(network: nn.Module, batch: Batch, step: int) -> Tensor:
        network[1].eval()  # type: ignore[index]
        return cross_entropy(network, batch, step)

    statistics = network[1].running_mean.clone()
    fitter()(network, samples, recipe, terms=(frozen,))
    assert torch.equal(network[1].running_mean, statistics)


@pytest.mark.parametrize("how", ["no epochs", "no samples"])
def test_training_nothing_changes_nothing(
    how: str, network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    before, fit = state_bytes(network), fitter()
    none = how == "no epochs"
    fit(
        network,
        samples if none else samples.select(torch.arange(0)),
        recipe.change(epochs=0) if none else recipe,
    )
    assert state_bytes(network) == before
    assert not network.training
    assert fit.samples_seen == 0


@pytest.mark.parametrize("channels_last", [True, False])
def test_convolutions_see_the_layout_of_the_recipe_and_come_back_contiguous(
    channels_last: bool, network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    layouts = set()
    colour = Samples(samples.x.expand(-1, 2, -1, -1), samples.y)
    network[0] = nn.Conv2d(2, 4, 3, padding=1)

    def look(network: nn.Module, batch: Batch, step: int) -> Tensor:
        weight = network[0].weight  # type: ignore[index]
        layouts.add(tuple(t.is_contiguous(memory_format=torch.channels_last) for t in (weight, batch.x)))
        return cross_entropy(network, batch, step)

    fitter()(network, colour, recipe.change(channels_last=channels_last), terms=(look,))
    assert layouts == {(channels_last, channels_last)}
    assert all(parameter.is_contiguous() for parameter in network.parameters())


def test_bfloat16_computes_in_bfloat16_and_keeps_float32_weights(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    kinds = set()

    def look(network: nn.Module, batch: Batch, step: int) -> Tensor:
        kinds.add(batch.output(network).dtype)
        return cross_entropy(network, batch, step)

    before = state_bytes(network)
    fitter()(network, samples, recipe.change(precision="bfloat16"), terms=(look,))
    assert kinds == {torch.bfloat16}
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert state_bytes(network) != before


# --- callbacks, loggers -----------------------------------------------------------------------------------------------


def test_training_stops_after_the_epoch_in_which_the_condition_holds(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    asked = []

    def enough(network: nn.Module) -> bool:
        asked.append(network.training)
        return len(asked) == 2

    fit = fitter()
    fit(network, samples, recipe.change(epochs=5), callbacks=(StopWhen(enough),))
    assert asked == [False, False]
    assert fit.samples_seen == 2 * 22


def test_a_side_optimiser_in_a_callback_trains_its_own_network(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    """RIGA's shape: a discriminator learns beside the network, and neither's step counts for the other."""

    class Side(pl.Callback):
        def __init__(self) -> None:
            self.judge = nn.Linear(3, 1)
            self.optimizer = torch.optim.SGD(self.judge.parameters(), 0.1)
            self.steps: list[int] = []

        def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
            self.steps.append(trainer.global_step)
            self.optimizer.zero_grad()
            with torch.enable_grad():
                self.judge(pl_module.network[5].weight.detach().mean(1)).sum().backward()
            self.optimizer.step()

    side, notes = Side(), []
    before = side.judge.weight.detach().clone()
    fitter()(network, samples, recipe, terms=(cross_entropy, seen_by(notes)), callbacks=(side,))
    assert not torch.equal(side.judge.weight, before)
    assert side.steps == [1, 2, 3, 4, 5, 6]
    assert [step for step, *_ in notes] == [0, 1, 2, 3, 4, 5]


def test_a_loss_that_is_no_number_ends_the_training_with_a_sentence(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    steps = []

    def diverging(network: nn.Module, batch: Batch, step: int) -> Tensor:
        steps.append(step)
        return batch.output(network).sum() * float("nan")

    with pytest.raises(
        TrainingDiverged, match=r"loss became nan in epoch 1; lower the learning rate \(0\.05\)"
    ):
        fitter()(network, samples, recipe, terms=(diverging,))
    assert steps == [0, 1, 2]


def test_progress_is_told_of_every_step(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    told: list[tuple[int, int]] = []
    fitter(progress=lambda step, steps: told.append((step, steps)))(network, samples, recipe)
    assert told == [(step, 6) for step in range(1, 7)]


def test_the_users_logger_gets_the_loss_of_short_trainings_too(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make, tmp_path: Path
) -> None:
    fitter(logger=CSVLogger(tmp_path, name="x", version=0))(network, samples, recipe)
    header, *rows = (tmp_path / "x" / "version_0" / "metrics.csv").read_text().split()
    assert "loss" in header.split(",")
    assert len(rows) == 2


def test_the_users_callbacks_are_made_anew_for_each_training(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    made = []

    class Counter(pl.Callback):
        def __init__(self) -> None:
            self.batches = 0
            made.append(self)

        def on_train_batch_end(self, *_: Any) -> None:
            self.batches += 1

    fit = fitter(callbacks=lambda: (Counter(),))
    for _ in range(2):
        fit(network, samples, recipe)
    assert [counter.batches for counter in made] == [6, 6]


def test_the_users_callbacks_may_watch_the_loss_without_a_logger(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    class Watch(pl.Callback):
        losses: list[float] = []  # noqa: RUF012

        def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
            self.losses.append(float(trainer.callback_metrics["loss"]))

    fitter(callbacks=(Watch(),))(network, samples, recipe)
    assert len(Watch.losses) == 2


def test_a_users_checkpoint_callback_is_allowed(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make, tmp_path: Path
) -> None:
    fitter(callbacks=(ModelCheckpoint(tmp_path, save_on_train_epoch_end=True),))(network, samples, recipe)
    assert len(list(tmp_path.glob("*.ckpt"))) == 1


def test_nothing_is_written_and_nothing_is_printed(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    fitter()(network, samples, recipe)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert [str(warning.message) for warning in recwarn] == []


def test_a_job_of_many_slurm_tasks_still_trains_in_one_process(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "SLURM_NTASKS": "4",
        "SLURM_JOB_NAME": "train",
        "SLURM_PROCID": "0",
        "SLURM_JOB_ID": "1",
    }.items():
        monkeypatch.setenv(name, value)
    before = state_bytes(network)
    fitter()(network, samples, recipe)
    assert state_bytes(network) != before


def test_ctrl_c_stays_a_keyboard_interrupt_and_keeps_working(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    """Lightning would exit with status 1 and ignore the key from then on."""

    def interrupt(network: nn.Module, batch: Batch, step: int) -> Tensor:
        raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fitter()(network, samples, recipe, terms=(interrupt,))
    assert signal.getsignal(signal.SIGINT) is handler


def terminate(network: nn.Module, batch: Batch, step: int) -> Tensor:
    os.kill(os.getpid(), signal.SIGTERM)
    return cross_entropy(network, batch, step)


def test_a_request_to_terminate_that_somebody_handles_breaks_training_off(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    """Lightning's exit would pass for a method's, which is a failed cell, and the run would go on."""
    asked: list[int] = []
    former = signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    try:
        with pytest.raises(KeyboardInterrupt):
            fitter()(network, samples, recipe, terms=(terminate,))
    finally:
        signal.signal(signal.SIGTERM, former)
    assert set(asked) == {signal.SIGTERM}


@pytest.mark.slow
def test_a_request_to_terminate_ends_the_process() -> None:
    source = """
import os, signal, torch
from ownmark.contracts import Recipe, Samples
from ownmark.errors import contained
from ownmark.loops import Fitter

def terminate(network, batch, step):
    os.kill(os.getpid(), signal.SIGTERM)
    return network(batch.x).sum()

network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
samples = Samples(torch.rand(8, 1, 2, 2), torch.arange(8) % 2)
with contained("an attack"):
    Fitter(torch.device("cpu"), torch.Generator())(network, samples, Recipe(epochs=2), terms=(terminate,))
"""
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True, check=False, timeout=120)
    assert ended.returncode == -signal.SIGTERM, ended.stderr.decode()[-500:]


def test_an_exit_of_a_method_stays_an_exit(
    network: nn.Module, samples: Samples, recipe: Recipe, fitter: Make
) -> None:
    def leave(network: nn.Module, batch: Batch, step: int) -> Tensor:
        sys.exit(3)

    with pytest.raises(SystemExit) as exit_:
        fitter()(network, samples, recipe, terms=(leave,))
    assert exit_.value.code == 3


def test_no_batch_is_left_with_a_single_image(network: nn.Module, recipe: Recipe, fitter: Make) -> None:
    """33 images at 8 a batch: five batches of six or seven, not four of eight and one that ruins a BatchNorm."""
    notes: list[tuple[Any, ...]] = []
    samples = Samples(torch.rand(33, 1, 4, 4), torch.arange(33) % 2)
    fitter()(network, samples, recipe.change(epochs=1, batch_size=8), terms=(cross_entropy, seen_by(notes)))
    assert [len(index) for _, index, _ in notes] == [7, 7, 7, 6, 6]
