"""Both attacks as a whole: what they train on, when they stop, what they refuse, and that they repeat themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from ownmark import Kind, discover
from ownmark.contracts import Batch, Samples, Stolen, predictions
from ownmark.errors import NotApplicable
from ownmark.loops import rate_factor
from ownmark.runner.plan import parse_plan
from ownmark_laundering.cleanse import Reconstruction
from ownmark_laundering.images import per_class
from ownmark_laundering.laundering import attack as module
from ownmark_laundering.laundering.attack import Laundering, reinforces
from ownmark_laundering.laundering.config import LaunderingConfig
from ownmark_laundering.neural_cleanse import attack as cleansing
from ownmark_laundering.neural_cleanse.attack import NeuralCleanse, stamping
from ownmark_laundering.neural_cleanse.config import NeuralCleanseConfig
from ownmark_laundering.retraining import balanced

SHORT: dict[str, Any] = {"steps": 3, "images": 32, "batch_size": 16, "patience": 1, "success": 0.2}
ONE = {"epochs": 1, "lr": 0.01}


def launder(stolen: Stolen, fit: Any, rng: Any, **parameters: Any) -> Any:
    return Laundering(LaunderingConfig(**SHORT, **parameters)).attack(stolen, fit, rng)


def cleanse(stolen: Stolen, fit: Any, rng: Any, **parameters: Any) -> Any:
    return NeuralCleanse(NeuralCleanseConfig(**SHORT, **parameters)).attack(stolen, fit, rng)


def triggers(norms: list[float], shape: tuple[int, int, int] = (1, 8, 8)) -> Reconstruction:
    """Flat masks with the given l1 norms, white patterns."""
    pixels = shape[1] * shape[2]
    masks = torch.stack([torch.full((1, *shape[1:]), norm / pixels) for norm in norms])
    return Reconstruction(
        masks, torch.ones(len(norms), *shape), torch.ones(len(norms)), torch.ones(len(norms)) > 0
    )


def found_each_round(monkeypatch: pytest.MonkeyPatch, *rounds: list[float]) -> None:
    answers = iter(rounds)
    monkeypatch.setattr(module, "reconstruct", lambda *_: triggers(next(answers)))


def same(one: nn.Module, two: nn.Module) -> bool:
    state: dict[str, Tensor] = two.state_dict()
    return all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


# --- laundering ---------------------------------------------------------------------------------------------------


def test_retraining_set_is_clean_stamped_and_masks_as_least_likely(
    stolen: Stolen, data: Samples, looking: Any, rng: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_each_round(monkeypatch, [20.0, 4.0, 32.0, 24.0])
    launder(stolen, looking, rng(0), mask_repeats=3)
    given: Samples = looking.asked[0]["samples"]
    assert len(given) == 32 + 32 + 3 * 4
    assert torch.equal(given.x[:32], data.x)
    torch.testing.assert_close(given.x[32:64], (1 - 4 / 64) * data.x + 4 / 64)
    assert torch.equal(given.labels[:64], data.labels.repeat(2))
    assert given.labels[64:].unique().tolist() == [2]
    assert given.x[64:68].amax((1, 2, 3)).tolist() == pytest.approx([20 / 64, 4 / 64, 32 / 64, 24 / 64])


def test_masks_alone_make_up_one_classs_share() -> None:
    assert balanced(1000, 10) * 10 == 1000 // 10
    assert balanced(10, 10) == 1


def test_rounds_stop_once_the_first_suspect_is_the_least_likely(
    stolen: Stolen, looking: Any, rng: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_each_round(monkeypatch, [1.0, 5, 6, 7], [6.0, 5, 2, 7], [9.0, 5, 6, 7], [1.0, 5, 6, 7])
    suspect = launder(stolen, looking, rng(0), rounds=4)
    log = json.loads(suspect.exhibits["rounds"])
    assert [(entry["most_likely"], entry["least_likely"]) for entry in log] == [(0, 3), (2, 3), (1, 0)]
    assert [entry.get("stopped", False) for entry in log] == [False, False, True]
    assert len(looking.asked) == 2


def test_stop_rule() -> None:
    assert reinforces([2, 0, 1], 1)
    assert not reinforces([1, 0, 2], 1)
    assert not reinforces([0, 1, 2], 1)


def test_reset_units_are_reported_and_stay_dead(stolen: Stolen, fit: Any, rng: Any) -> None:
    suspect = launder(stolen, fit, rng(0), recipe=ONE, quantile=0.8)
    counts = json.loads(suspect.exhibits["rounds"])[0]["reset"]
    assert set(counts) == {f"features.{i}.conv" for i in range(3)}
    for name, count in counts.items():
        block = suspect.network.get_submodule(name.removesuffix(".conv"))
        silent = (
            (block.conv.weight.flatten(1).abs().sum(1) == 0)
            & (block.norm.weight == 0)
            & (block.norm.bias == 0)
        )
        assert 0 < int(silent.sum()) == count < 0.3 * len(silent)


def test_without_hold_only_weights_are_reset(stolen: Stolen, looking: Any, rng: Any) -> None:
    network = launder(stolen, looking, rng(0), hold=False, quantile=0.8).network
    assert looking.asked[0]["callbacks"] == []
    assert (network.features[0].conv.weight.flatten(1).abs().sum(1) == 0).any()
    assert (network.features[0].norm.weight != 0).all()


def test_a_threshold_of_its_own_replaces_the_quantile(stolen: Stolen, looking: Any, rng: Any) -> None:
    suspect = launder(stolen, looking, rng(0), conv=1e6)
    assert set(json.loads(suspect.exhibits["rounds"])[0]["reset"].values()) == {0}


def test_no_rounds_change_nothing(stolen: Stolen, fit: Any, rng: Any) -> None:
    assert same(stolen.network, launder(stolen, fit, rng(0), rounds=0).network)


def test_one_image_a_class_is_enough(stolen: Stolen, looking: Any, rng: Any) -> None:
    launder(stolen, looking, rng(0), per_class=1)
    assert looking.asked[0]["samples"].labels[:4].sort().values.tolist() == [0, 1, 2, 3]
    assert len(looking.asked[0]["samples"]) == 4 + 4 + 4


def test_subsample_takes_what_there_is(rng: Any) -> None:
    samples = Samples(torch.rand(6, 1, 2, 2), torch.tensor([0, 0, 0, 1, 2, 2]))
    assert per_class(samples, 2, rng(0)).labels.tolist() == [0, 0, 1, 2, 2]
    assert not torch.equal(per_class(samples, 1, rng(0)).x, per_class(samples, 1, rng(3)).x)


def test_several_triggers_are_stamped_and_layers_can_be_spared(
    stolen: Stolen, looking: Any, rng: Any
) -> None:
    suspect = launder(stolen, looking, rng(0), triggers=2, layers="second-half", mask_repeats=0)
    assert len(looking.asked[0]["samples"]) == 3 * 32
    assert list(json.loads(suspect.exhibits["rounds"])[0]["reset"]) == ["features.2.conv"]


@pytest.mark.parametrize("choice", ["always", "auto"])
def test_statistics_are_renewed_where_asked_for(stolen: Stolen, looking: Any, rng: Any, choice: Any) -> None:
    network = launder(stolen, looking, rng(0), reset_statistics=choice).network
    assert bool((network.features[0].norm.running_mean == 0).all()) is (choice == "always")


@pytest.mark.parametrize(
    ("network", "shape", "classes", "reason"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), (1, 8, 8), 4, "no hidden"),
        (nn.Flatten(), (1, 8, 8), 4, "no hidden"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 1)), (1, 8, 8), 1, "has one"),
    ],
    ids=["no hidden layer", "no layer", "one class"],
)
def test_laundering_refuses(network: nn.Module, shape: Any, classes: int, reason: str) -> None:
    with pytest.raises(NotApplicable, match=reason):
        Laundering(LaunderingConfig()).check(network, shape, classes)


@pytest.mark.parametrize("norm", ["batch", "group", "none"])
@pytest.mark.parametrize(("shape", "classes"), [((1, 8, 8), 2), ((3, 8, 8), 3), ((1, 28, 28), 2)], ids=str)
def test_laundering_works_on(host: Any, fit: Any, rng: Any, norm: str, shape: Any, classes: int) -> None:
    network = host(shape, classes, norm=norm)
    Laundering(LaunderingConfig()).check(network, shape, classes)
    images = Samples(torch.rand((12, *shape), generator=rng(0)), torch.arange(12) % classes)
    suspect = launder(Stolen(network, shape, classes, images), fit, rng(0), recipe=ONE)
    assert torch.isfinite(suspect.network(images.x)).all()


# --- Neural Cleanse -----------------------------------------------------------------------------------------------


def test_nothing_flagged_changes_nothing(
    stolen: Stolen, looking: Any, rng: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleansing, "reconstruct", lambda *_: triggers([20.0, 19.0, 22.0, 24.0]))
    suspect = cleanse(stolen, looking, rng(0))
    assert same(stolen.network, suspect.network)
    assert looking.asked == []
    assert suspect.exhibits["flagged"] == "[]"


def test_flagged_class_is_unlearnt_on_true_labels(
    planted: nn.Module, clean: Samples, target: int, fit: Any, rng: Any
) -> None:
    stolen = Stolen(planted, (1, 10, 10), 6, clean)
    config = NeuralCleanseConfig(steps=40, images=64, patience=3, recipe={"epochs": 20, "lr": 0.05})
    stamped = clean.x[clean.labels != target].clone()
    stamped[:, :, 7:, 7:] = 1
    assert (predictions(planted, stamped) == target).all()
    suspect = NeuralCleanse(config).attack(stolen, fit, rng(0))
    assert json.loads(suspect.exhibits["flagged"]) == [target]
    assert float((predictions(suspect.network, stamped) == target).float().mean()) < 0.2
    assert float((predictions(suspect.network, clean.x) == clean.labels).float().mean()) > 0.9


def test_exhibits_tell_norms_indices_and_show_masks(stolen: Stolen, looking: Any, rng: Any) -> None:
    exhibits = cleanse(stolen, looking, rng(0)).exhibits
    assert exhibits["masks"].shape == (4, 1, 8, 8)
    assert exhibits["triggers"].shape == (4, 1, 8, 8)
    norms, indices = (json.loads(exhibits[name]) for name in ("norms", "anomaly_indices"))
    assert len(norms) == len(indices) == 4
    assert norms[int(exhibits["most_likely"])] == min(norms)


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_stamping_takes_its_share(share: float, rng: Any) -> None:
    found = triggers([64.0, 32.0])
    x = torch.zeros(2000, 1, 8, 8)
    stamped = stamping(found, [1], share)(Batch(x, None, torch.arange(2000)), rng(0)).x
    hit = stamped.amax((1, 2, 3)) > 0
    assert float(hit.float().mean()) == pytest.approx(share, abs=0.03)
    if share:
        assert stamped[hit].unique().tolist() == [0.5]


def test_two_classes_have_no_outlier(host: Any) -> None:
    with pytest.raises(NotApplicable, match="2 cannot have one"):
        NeuralCleanse(NeuralCleanseConfig()).check(host(classes=2), (1, 8, 8), 2)


# --- both ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", [launder, cleanse])
def test_equal_seeds_equal_suspects_and_the_victim_stays(stolen: Stolen, rng: Any, run: Any) -> None:
    from ownmark.loops import Fitter

    before = {name: value.clone() for name, value in stolen.network.state_dict().items()}
    extra = {"index": 0.0} if run is cleanse else {}
    one, two = (
        run(stolen, Fitter(torch.device("cpu"), rng(7)), rng(0), recipe=ONE, **extra) for _ in range(2)
    )
    assert same(one.network, two.network)
    assert not same(one.network, stolen.network)
    assert all(torch.equal(value, before[name]) for name, value in stolen.network.state_dict().items())


@pytest.mark.parametrize("run", [launder, cleanse])
@pytest.mark.parametrize("grant", ["unlabelled", "transfer", "labelled but ignored"])
def test_own_predictions_where_no_labels_are_granted(
    stolen: Stolen, data: Samples, looking: Any, rng: Any, run: Any, grant: str
) -> None:
    bare = data.unlabelled()
    granted = {
        "unlabelled": replace(stolen, data=bare),
        "transfer": replace(stolen, data=None, transfer=bare),
        "labelled but ignored": stolen,
    }[grant]
    extra: dict[str, Any] = {"index": 0.0} if run is cleanse else {}
    run(granted, looking, rng(0), labels="predicted" if grant.startswith("labelled") else "granted", **extra)
    assert torch.equal(looking.asked[0]["samples"].labels[:32], predictions(stolen.network, data.x))


@pytest.mark.parametrize("run", [launder, cleanse])
def test_no_images_no_laundering(stolen: Stolen, looking: Any, rng: Any, run: Any) -> None:
    with pytest.raises(NotApplicable, match="needs images"):
        run(replace(stolen, data=None), looking, rng(0))


def test_retraining_recipe_is_the_APP_papers() -> None:
    recipe = LaunderingConfig(recipe={"batch_size": 64}).recipe  # type: ignore[arg-type]
    rates = [recipe.lr * rate_factor(recipe, step, 150) for step in range(150)]
    assert rates == pytest.approx([0.02] * 100 + [0.002] * 50)
    assert (recipe.epochs, recipe.batch_size) == (15, 64)


@pytest.mark.parametrize("bad", [{"rounds": -1}, {"quantile": 1.5}, {"unit": "relu"}, {"shots": 1}], ids=str)
def test_laundering_bad_parameters(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LaunderingConfig(**bad)


def test_laundering_declarations_load_neither_torch_nor_pydantic() -> None:
    names = "ownmark_laundering.laundering, ownmark_laundering.neural_cleanse, ownmark_laundering.plans"
    code = f"import sys, {names}; sys.exit(bool({{'torch', 'pydantic'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_classs_trigger_can_be_stamped(stolen: Stolen, looking: Any, rng: Any) -> None:
    config = LaunderingConfig(steps=2, images=16, batch_size=16, triggers="all", mask_repeats=0)
    Laundering(config).attack(stolen, looking, rng(0))
    samples = looking.asked[0]["samples"]
    assert stolen.data is not None
    assert len(samples) == len(stolen.data) * (1 + stolen.classes)
    assert torch.equal(samples.labels, stolen.data.labels.repeat(1 + stolen.classes))


def test_figures_of_table_2_stand_beside_rows_of_its_plan() -> None:
    plan, _ = parse_plan(
        files("ownmark_laundering.plans").joinpath("laundering-table2.yaml").read_text(), "plan"
    )
    declared = discover().find(Kind.ATTACK, "laundering").reported
    table = [figure for figure in declared if "Table 2" in figure.where]
    tasks = {(task.dataset.id, task.host.id) for task in plan.tasks}
    assert {figure.scheme for figure in table} == {scheme.id for scheme in plan.schemes}
    for figure in table:
        assert (figure.dataset, figure.host) in tasks
        assert figure.attack in {row.label for row in plan.attacks}
    assert len(table) == 14
