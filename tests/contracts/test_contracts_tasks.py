"""What goes into a network and what it makes of it: who needs what, and one sentence where it does not fit."""

from __future__ import annotations

import pytest
import torch

from ownmark.contracts import BlackBox, Form, Goal, Inputs, Samples, black_box
from ownmark.contracts.tasks import PIXELS, require_data, require_fit
from ownmark.errors import NotApplicable, UnusableAnswer
from ownmark.methods import Declaration, Kind, Need

TOKENS = Inputs(Form.TOKENS, 20)


def declared(api: int, *needs: Need, kind: Kind = Kind.SCHEME) -> frozenset[Need]:
    return Declaration(id="x", kind=kind, target="a:B", summary="", needs=frozenset(needs), api=api).demands


@pytest.mark.parametrize("kind", [Kind.SCHEME, Kind.EXTRACTOR, Kind.ATTACK])
@pytest.mark.parametrize("api", [1, 2])
def test_older_methods_are_for_pixels_with_classes(api: int, kind: Kind) -> None:
    assert declared(api, Need.WHITE_BOX, kind=kind) == {Need.WHITE_BOX, Need.PIXELS, Need.CLASSES}
    assert declared(api, Need.TOKENS, kind=kind) == {Need.TOKENS, Need.CLASSES}
    assert declared(3, Need.WHITE_BOX, kind=kind) == {Need.WHITE_BOX}
    assert declared(api, Need.PREDICTIONS, kind=Kind.METRIC) == {Need.PREDICTIONS}


@pytest.mark.parametrize(
    ("needs", "inputs", "goal", "sentence"),
    [
        ({Need.PIXELS}, TOKENS, Goal.CLASSIFICATION, "it needs pixels, and the task's inputs are tokens"),
        ({Need.TOKENS}, PIXELS, Goal.CLASSIFICATION, "it needs tokens, and the task's inputs are pixels"),
        ({Need.CLASSES}, PIXELS, Goal.GENERATION, "it needs classification, and the task's goal is generation"),
        ({Need.CAPTIONING}, PIXELS, Goal.CLASSIFICATION, "it needs captioning, and the task's goal is classification"),
        ({Need.PIXELS, Need.WAVES}, TOKENS, Goal.CLASSIFICATION, "it needs pixels or waveforms, and"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_one_sentence(needs, inputs, goal, sentence) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotApplicable) as caught:
        require_fit(needs, inputs, goal)
    assert str(caught.value).startswith(sentence)


def test_who_names_nothing_fits_everything_and_of_several_any_will_do() -> None:
    for inputs in (PIXELS, TOKENS, Inputs(Form.WAVES)):
        for goal in Goal:
            require_fit({Need.WHITE_BOX}, inputs, goal)
    require_fit({Need.PIXELS, Need.TOKENS, Need.CLASSES}, TOKENS, Goal.CLASSIFICATION)


def test_data_suit_a_goal() -> None:
    x, labels = torch.rand(4, 1, 2, 2), torch.zeros(4, dtype=torch.int64)
    texts = torch.zeros(4, 2, 3, dtype=torch.int64)
    require_data(Goal.CLASSIFICATION, Samples(x, labels))
    require_data(Goal.CAPTIONING, Samples(x, texts))
    require_data(Goal.GENERATION, Samples(x))
    for goal, samples in (
        (Goal.CLASSIFICATION, Samples(x)), (Goal.CLASSIFICATION, Samples(x, texts)),
        (Goal.CAPTIONING, Samples(x)), (Goal.CAPTIONING, Samples(x, labels)),
    ):  # fmt: skip
        with pytest.raises(NotApplicable):
            require_data(goal, samples)


@pytest.mark.parametrize(
    ("inputs", "shape"), [(PIXELS, (3, 4, 5)), (Inputs(Form.WAVES), (100,)), (TOKENS, (7,))], ids=str
)
def test_noise_of_a_form_is_of_that_form(inputs: Inputs, shape: tuple[int, ...]) -> None:
    noise = inputs.random(5, shape, torch.Generator().manual_seed(0))
    assert noise.shape == (5, *shape)
    assert noise.dtype == inputs.dtype
    assert not inputs.fault(noise)
    others = [PIXELS, Inputs(Form.WAVES), TOKENS]
    assert all(other.fault(noise) for other in others if other != inputs)
    assert inputs.fault(noise - 30)
    assert inputs.fault(noise[0, 0] if noise.ndim > 2 else noise[0])


def test_token_ids_lie_below_the_vocabulary() -> None:
    assert not TOKENS.fault(torch.tensor([[0, 19]]))
    assert TOKENS.fault(torch.tensor([[0, 20]]))


def test_samples_of_tokens_stay_whole_numbers() -> None:
    some = Samples(torch.arange(12).reshape(4, 3), torch.arange(4))
    assert some.x.dtype == torch.int64
    assert (some + some).x.dtype == torch.int64
    assert torch.equal(some.select(torch.tensor([2])).x, torch.tensor([[6, 7, 8]]))


class _Doubling(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


def test_a_black_box_of_another_goal_gives_what_it_makes_and_no_labels() -> None:
    z = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    box = black_box(_Doubling(), budget=5, goal=Goal.GENERATION)
    assert torch.equal(box.answers(z), 2 * z)
    assert box.queries == 2
    for ask in (box.predict, box.probabilities):
        with pytest.raises(NotApplicable, match="generation"):
            ask(z)
    with pytest.raises(NotApplicable, match="budget"):
        box.answers(torch.zeros(4, 2))
    ids = black_box(_Doubling(), goal=Goal.CAPTIONING).answers(torch.ones(2, 3, dtype=torch.int64))
    assert ids.dtype == torch.int64


@pytest.mark.parametrize(
    "answer",
    [None, "x", [1, 2], torch.zeros(3, 2), torch.full((2, 2), float("nan")), torch.ones(2, 2) > 0],
    ids=str,
)
def test_answers_that_cannot_be_are_refused(answer: object) -> None:
    with pytest.raises(UnusableAnswer):
        BlackBox(lambda x: answer, goal=Goal.GENERATION).answers(torch.zeros(2, 2))
