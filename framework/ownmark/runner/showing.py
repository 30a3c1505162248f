"""What networks make that classify nothing, for people to look at: a few pictures or texts, before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from ownmark.contracts.tasks import Form, Goal
from ownmark.contracts.views import outputs
from ownmark.runner.cell import TaskSpec
from ownmark.runner.making import Making

SHOWN = 8
"""Pictures or texts."""


def samples(
    making: Making, task: TaskSpec, networks: Mapping[str, nn.Module]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Pictures and texts that the networks make, by name; of classifiers nothing.

    Args:
        networks: by what the report calls them.
    """
    goal, splits = making.tasks.goal(task), making.tasks.splits(task.dataset)
    if goal is Goal.CLASSIFICATION:
        return {}, {}
    test = splits.test.first(SHOWN)
    asked = making.tasks.questions(task, test)
    made = {name: outputs(network, asked).cpu() for name, network in networks.items()}
    if goal is Goal.CAPTIONING:
        words = making.methods.images(task.dataset).words
        shown = {"what is described": test.x.cpu()} if splits.inputs.form is Form.PIXELS else {}
        return shown, {f"says, {name}": read(ids, words) for name, ids in made.items()}
    pictures = splits.inputs.form is Form.PIXELS
    return {f"makes, {name}": x.clamp(0, 1) for name, x in made.items() if pictures}, {}


def read(ids: Tensor, words: Sequence[str]) -> str:
    """Texts of token ids [N, L] up to the first padding, strokes between them; numbers where no words are known."""
    texts = []
    for row in ids.tolist():
        kept = row[: row.index(0)] if 0 in row else row
        texts.append(" ".join(filter(None, (words[i] if i < len(words) else str(i) for i in kept))))
    return " / ".join(texts)
