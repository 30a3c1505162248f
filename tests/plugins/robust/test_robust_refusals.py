"""Plans that cannot be: hosts, nested schemes, data, thresholds and layers are refused by name before training."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ownmark.errors import PlanError
from ownmark.runner.session import prepare

Refused = Callable[..., str]
PLAIN = "convnet"
BARE = "{convnet: {norm: none}}"


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """What the check of a plan on digits says; nothing may have been trained."""

    def check(schemes: str = "[content]", attacks: str = "[none]", host: str = PLAIN, rest: str = "") -> str:
        plan = tmp_path / "plan.yaml"
        plan.write_text(
            f"tasks: [{{dataset: digits, host: {host}}}]\nschemes: {schemes}\nattacks: {attacks}\n{rest}\n"
        )
        with pytest.raises(PlanError) as caught:
            prepare(plan, tmp_path / "run", tmp_path / "store", "cpu", None, None)
        assert not any((tmp_path / "store").rglob("*.safetensors"))
        return re.sub(r"\s+", " ", str(caught.value))

    return check


@pytest.mark.parametrize("wrapper", ["app", "certified"])
@pytest.mark.parametrize("nested", ["uchida", "greedy_residuals"])
def test_schemes_without_triggers_cannot_be_hardened(refused: Refused, wrapper: str, nested: str) -> None:
    said = refused(schemes=f"[{{{wrapper}: {{trigger: {{{nested}: {{}}}}}}}}]")
    assert wrapper in said
    assert nested in said
    assert "no triggers and no labels" in said


@pytest.mark.parametrize("nested", ["anp", "contents"], ids=["an attack", "an unknown name"])
def test_what_is_hardened_must_be_a_scheme(refused: Refused, nested: str) -> None:
    assert f"'{nested}'" in refused(schemes=f"[{{app: {{trigger: {{{nested}: {{}}}}}}}}]")


@pytest.mark.parametrize(
    "attack",
    ["finetune", "fine_prune", "anp", "nad", "mcr", "refit", "regularize", "distract", "distill"],
)
def test_attacks_without_images(refused: Refused, attack: str) -> None:
    said = refused(attacks=f"[{{{attack}: {{}}, given: {{data: none}}}}]")
    assert attack in said
    assert "needs images" in said


@pytest.mark.parametrize(
    "attack",
    ["{refit: {preset: au}}", "{refit: {unlabelled: 8}}", "{distract: {source: transfer}}"],
)
def test_attacks_without_the_transfer_images_that_their_parameters_ask_for(
    refused: Refused, attack: str
) -> None:
    assert "needs transfer images" in refused(attacks=f"[{attack}]")


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        ("{prune: {sparsity: 1.0}}", "sparsity"),
        ("{prune: {sparsity: 0.9999999}}", "prunes all"),
        ("{prune: {sparsity: 0.999, scope: layer}}", "of a layer"),
        ("{fine_prune: {share: 1.0}}", "share"),
        ("{fine_prune: {share: 0.999}}", "prunes all"),
        ("{anp: {threshold: 1.0}}", "threshold"),
    ],
)
def test_thresholds_that_leave_nothing(refused: Refused, attack: str, reason: str) -> None:
    said = refused(attacks=f"[{attack}]")
    assert attack[1:].partition(":")[0] in said
    assert reason in said


@pytest.mark.parametrize(
    ("attack", "name"),
    [("{fine_prune: {layer: layer4}}", "layer4"), ("{nad: {layers: [stage1, head]}}", "stage1")],
)
def test_layers_that_do_not_exist_are_named_with_those_that_do(
    refused: Refused, attack: str, name: str
) -> None:
    said = refused(attacks=f"[{attack}]")
    assert f"'{name}'" in said
    assert "it has: " in said


@pytest.mark.parametrize("host", [BARE, "{convnet: {norm: group}}"], ids=["no norms", "group norm"])
def test_anp_needs_batchnorm(refused: Refused, host: str) -> None:
    assert "BatchNorm" in refused(attacks="[anp]", host=host)


@pytest.mark.parametrize(
    ("controls", "reason"),
    [
        ("{nadd: finetune}", "there is nad"),
        ("{nad: finetuning}", "there is finetune"),
        ("{nad: nad}", "its own control"),
    ],
)
def test_controls_must_be_other_attacks_of_the_plan(refused: Refused, controls: str, reason: str) -> None:
    assert reason in refused(attacks="[none, nad, finetune]", rest=f"controls: {controls}")
