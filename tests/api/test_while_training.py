"""Marks that are embedded by the gradients of somebody else's training loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from tests.api.conftest import Net
from torch import Tensor, nn

import ownmark
from ownmark.api.lightning import MarkWhileTraining
from ownmark.errors import NotApplicable, OwnmarkError


class Training(pl.LightningModule):
    """What a user of Lightning writes; it knows nothing of ownmark."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Net()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        x, y = batch
        return nn.functional.cross_entropy(self.net(x), y)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=5e-3)


def trained(module: pl.LightningModule, data: Any, *callbacks: pl.Callback, epochs: int = 12) -> nn.Module:
    pl.seed_everything(0)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data), batch_size=32, shuffle=True)
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=list(callbacks),
    )  # fmt: skip
    trainer.fit(module, loader)
    return module


SCHEMES = {
    "adi": {"adi": {"keys": 20}},
    "content": {"content": {"keys": 20}},
    "uchida": {"uchida": {"bits": 24, "layer": "head", "strength": 0.1}},
}


@pytest.mark.parametrize("scheme", ["adi", "uchida"])
def test_the_users_training_embeds_the_mark(scheme: str, data: Any, model: nn.Module, tmp_path: Path) -> None:
    marking = MarkWhileTraining(data[0], SCHEMES[scheme], test=data[1])
    module = trained(Training(), data[0], marking)
    mark = marking.mark
    assert type(mark.released) is Net
    assert mark.verify(module.net).claim is True
    assert mark.verify(model).claim is False
    assert mark.utility["marked"] > 0.9
    assert "before" not in str(mark)
    torch.save(module.net.state_dict(), tmp_path / "suspect.pt")
    again = ownmark.load(mark.save(tmp_path / "mark"), network=Net)
    assert again.verify(tmp_path / "suspect.pt").claim is True


def test_without_the_callback_there_is_no_mark(data: Any) -> None:
    marking = MarkWhileTraining(data[0], SCHEMES["adi"], test=data[1])
    module = trained(Training(), data[0])
    with pytest.raises(OwnmarkError, match="has not begun"):
        marking._embedding.end(module.net)


def test_a_mark_that_did_not_take_is_said(data: Any) -> None:
    marking = MarkWhileTraining(
        data[0], {"uchida": {"bits": 24, "layer": "head", "strength": 0.0}}, test=data[1], rate=1e-6
    )
    with pytest.raises(NotApplicable, match="did not take"):
        trained(Training(), data[0], marking, epochs=1)
    assert marking.mark is None


@pytest.mark.parametrize(
    ("scheme", "says"),
    [
        ({"uchida": {"layer": "absent"}}, "no convolution or linear layer"),
        ({"adi": {"keys": 0}}, "keys"),
        ("adii", "adi"),
    ],
)
def test_what_cannot_ride_along_is_said_before_the_training(scheme: Any, says: str, data: Any) -> None:
    with pytest.raises(OwnmarkError, match=says):
        trained(Training(), data[0], MarkWhileTraining(data[0], scheme, test=data[1]), epochs=1)


class Two(Training):
    def __init__(self) -> None:
        super().__init__()
        self.teacher = Net()


def test_of_several_modules_the_user_names_one(data: Any) -> None:
    with pytest.raises(OwnmarkError, match="net, teacher"):
        trained(Two(), data[0], MarkWhileTraining(data[0], SCHEMES["adi"], test=data[1]), epochs=1)
    with pytest.raises(OwnmarkError, match="no module 'student'"):
        trained(Two(), data[0], MarkWhileTraining(data[0], "adi", test=data[1], network="student"), epochs=1)
    marking = MarkWhileTraining(data[0], SCHEMES["adi"], test=data[1], network="net")
    trained(Two(), data[0], marking)
    assert marking.mark is not None


def test_images_may_be_normalised(data: Any) -> None:
    (x, y), (x_test, y_test) = data
    own, held = ((x - 0.3) / 0.2, y), ((x_test - 0.3) / 0.2, y_test)
    marking = MarkWhileTraining(own, SCHEMES["adi"], test=held, mean=(0.3,), std=(0.2,))
    module = trained(Training(), own, marking)
    assert marking.mark.verify(module.net).claim is True


@pytest.mark.slow
def test_the_trainer_of_transformers_embeds_it(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from sklearn.datasets import load_digits

    from ownmark.api.huggingface import MarkWhileTraining as MarkWithTrainer

    digits = load_digits()
    x, y = torch.tensor(digits.images[:, None] / 16, dtype=torch.float32), torch.tensor(digits.target)
    items = [{"pixel_values": image, "labels": label} for image, label in zip(x, y, strict=True)]
    config = transformers.ViTConfig(
        hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96, image_size=8, patch_size=2,
        num_channels=1, num_labels=10,
    )  # fmt: skip
    transformers.set_seed(0)
    model = transformers.ViTForImageClassification(config)
    innocent = transformers.ViTForImageClassification(config)
    marking = MarkWithTrainer(items[:1400], {"adi": {"keys": 20}}, test=items[1400:])
    arguments = transformers.TrainingArguments(
        str(tmp_path / "run"), num_train_epochs=15, per_device_train_batch_size=32, learning_rate=2e-3, report_to=[],
        save_strategy="no", use_cpu=True, disable_tqdm=True, logging_strategy="no",
    )  # fmt: skip
    transformers.Trainer(model, arguments, train_dataset=items[:1400], callbacks=[marking]).train()
    mark = marking.mark
    assert mark.utility["marked"] > 0.85
    assert mark.verify(model).claim is True
    assert mark.verify(innocent).claim is not True
    model.save_pretrained(tmp_path / "hf")
    assert mark.verify(tmp_path / "hf").claim is True
