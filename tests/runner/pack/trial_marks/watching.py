"""Lightning objects as a user would write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl


class Watch(pl.Callback):
    """Notes each training's number of steps in a file."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """One line a training."""
        with self.path.open("a") as file:
            file.write(f"{trainer.global_step}\n")
