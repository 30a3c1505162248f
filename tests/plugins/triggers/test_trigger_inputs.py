"""Bad input is refused with a sentence; another dataset can bring the foreign images."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from ownmark.contracts import Dataset, Images, Samples, Task
from ownmark.errors import NotApplicable
from ownmark_triggers.content.config import ContentConfig
from ownmark_triggers.content.scheme import Content
from ownmark_triggers.noise.config import NoiseConfig
from ownmark_triggers.noise.scheme import Noise
from ownmark_triggers.unrelated.config import UnrelatedConfig
from ownmark_triggers.unrelated.scheme import Unrelated

NET = nn.Identity()


class Foreign(Dataset):
    """Colour images of 5 x 9 pixels: 30 of class 0, brightness rising, 30 of class 1, black."""

    def load(self) -> Images:
        light = torch.linspace(0, 1, 30)[:, None, None, None].expand(30, 3, 5, 9)
        x = torch.cat([light, torch.zeros(30, 3, 5, 9)])
        samples = Samples(x, torch.arange(60) // 30)
        return Images(samples, samples, 2)


@pytest.mark.parametrize("shape", [(1, 4, 8), (3, 32, 6)], ids=str)
def test_content_refuses_images_too_small_for_text(shape: tuple[int, int, int], random_task: Any) -> None:
    with pytest.raises(NotApplicable, match=f"{shape[1]} x {shape[2]} pixels are too small"):
        Content(ContentConfig()).check(NET, random_task(shape))


def test_unrelated_refuses_images_too_small_for_a_letter(random_task: Any) -> None:
    with pytest.raises(NotApplicable, match="too few for a letter"):
        Unrelated(UnrelatedConfig()).check(NET, random_task((1, 6, 8)))


@pytest.mark.parametrize("scheme", [Content(ContentConfig(target=10)), Noise(NoiseConfig(target=10))])
def test_target_must_be_a_class(scheme: Any, task: Task) -> None:
    with pytest.raises(NotApplicable, match=re.escape("target 10 is not one of the task's 10 classes")):
        scheme.check(NET, task)


def test_source_and_target_must_differ(task: Task) -> None:
    with pytest.raises(NotApplicable, match="both 2"):
        Noise(NoiseConfig(target=2, source_class=2)).check(NET, task)


def test_more_keys_than_carriers(task: Task, rng: Any) -> None:
    with pytest.raises(NotApplicable, match=r"5000 triggers .* Lower `keys`"):
        Noise(NoiseConfig(keys=5000)).make_key(task, rng(0))


def test_check_needs_no_owner_data(task: Task) -> None:
    empty = Task("none", task.shape, 10, task.owner.select(torch.arange(0)))
    for scheme in (Content(ContentConfig()), Noise(NoiseConfig()), Unrelated(UnrelatedConfig())):
        scheme.check(NET, empty)


def test_letters_that_cannot_be_drawn(task: Task) -> None:
    for letter in ("", "mm", "ß"):
        with pytest.raises(NotApplicable, match="cannot draw"):
            Unrelated(UnrelatedConfig(letter=letter)).check(NET, task)


def test_unknown_parameters_are_refused() -> None:
    with pytest.raises(ValidationError, match="strenght"):
        NoiseConfig(strenght=1)  # type: ignore[call-arg]


def test_foreign_images_take_the_shape_of_the_task(task: Task, rng: Any) -> None:
    key = Unrelated(UnrelatedConfig(keys=20, target=2, source="foreign"), source=Foreign()).make_key(
        task, rng(0)
    )
    both = torch.cat([key["triggers"], key["heldout"]])
    assert key["triggers"].shape == (20, 1, 8, 8)
    assert key["heldout"].shape == (10, 1, 8, 8)
    assert torch.allclose(both.mean((1, 2, 3)).sort().values, torch.linspace(0, 1, 30), atol=1e-5)
    assert (key["labels"] == 2).all()


def test_foreign_class_must_have_images_to_spare(task: Task, rng: Any) -> None:
    with pytest.raises(NotApplicable, match="class 0 of the source has 30 images"):
        Unrelated(UnrelatedConfig(keys=30, source="foreign"), source=Foreign()).make_key(task, rng(0))


def test_declarations_load_neither_torch_nor_pydantic() -> None:
    modules = ", ".join(f"ownmark_triggers.{name}" for name in ("content", "noise", "unrelated", "triggers"))
    code = f"import sys, {modules}; sys.exit(bool({{'torch', 'pydantic'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
