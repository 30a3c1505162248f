"""Li et al., "How to Prove Your Model Belongs to You: A Blind-Watermark based Framework ...", ACSAC 2019.

Idea: an encoder hides the owner's logo in ordinary images so well that a discriminator cannot tell them from
others; the host learns a secret label for each. All three are trained together.
Threat model: black box; key images pass for ordinary queries. Images, logo and labels are secret.
Equations: encoder and discriminator losses are `game.encoder_loss` and `game.Game`, the host's is the task loss over
clean and key images; SSIM is `ssim.ssim`.
Symbols: covers c, key images e = E(c, logo): `triggers` [N, C, H, W] in [0, 1]; `labels` [N]; `logo` [C, H, W].
Deviations: see the declaration in `__init__` and the method card.
Reported: accuracy 98.64 % (MNIST), 91.18 % (CIFAR-10), all keys (MIRA, Table B.1).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Marked, Samples, Scheme, Task, seeded
from ownmark.errors import NotApplicable
from ownmark_triggers.blind.config import BlindConfig
from ownmark_triggers.blind.game import Game, materialised
from ownmark_triggers.blind.players import Discriminator, Encoder
from ownmark_triggers.blind.ssim import ssim
from ownmark_triggers.carriers import draw_carriers, key_count
from ownmark_triggers.glyphs import LETTERS
from ownmark_triggers.learning import shown, until_known
from ownmark_triggers.unrelated.images import drawn_letters

LEAST = 4
"""Pixels a side, for the discriminator's two strides."""


class Blind(Scheme):
    """Ordinary images with a hidden logo and secret labels."""

    config: BlindConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """Images must be large enough to hide something, labels must be able to differ, the letter must exist."""
        letter = self.config.letter
        if letter is not None and (len(letter) != 1 or letter.upper() not in LETTERS):
            raise NotApplicable(f"cannot draw {letter!r}; one of {LETTERS}")
        if min(task.shape[1:]) < LEAST:
            raise NotApplicable(f"{task.shape[1]} x {task.shape[2]} pixels are too few ({LEAST} x {LEAST})")
        if task.classes < 2:
            raise NotApplicable("secret labels need at least two classes")

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws covers, a label for each, and the logo; the encoder is trained in `embed`.

        Tensors: `triggers` (the covers as yet), `labels`, `carriers` (positions in the owner's data), `logo`.
        No `chance`: the encoder sees the labels, so key images lean towards them on other networks too.
        """
        config, owner = self.config, task.owner
        count = key_count(config.keys, config.share, len(owner))
        places = draw_carriers(owner, torch.ones(len(owner), dtype=torch.bool), count, rng)
        labels = torch.randint(task.classes, (count,), generator=rng, device=rng.device)
        letter = (
            config.letter or LETTERS[int(torch.randint(len(LETTERS), (), generator=rng, device=rng.device))]
        )
        tensors = {
            "triggers": owner.select(places).x,
            "labels": labels.to(owner.device),
            "carriers": places,
            "logo": drawn_letters(letter, 1, task.shape, rng)[0].to(owner.device, torch.float32),
        }
        return Key("blind", tensors, {"letter": letter})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train host, encoder and discriminator together, keep the key images, and let the host settle on them."""
        config, network = self.config, host.blank(fit.rng)
        covers, logo = Samples(key["triggers"], key["labels"]), key["logo"]
        device = covers.device
        with seeded(fit.rng):
            encoder = Encoder(task.shape[0], config.width).to(device)
            discriminator = Discriminator(task.shape[0], config.width).to(device)
        steps = host.recipe.epochs * math.ceil(len(task.owner) / host.recipe.batch_size)
        game = Game((encoder, discriminator), network, covers, logo, config, steps)
        fit(network, task.owner, host.recipe, terms=host.terms, transforms=(*host.transforms, game))
        key = key.add({"triggers": materialised(encoder, covers.x, logo)})
        finished = shown(Samples(key["triggers"], key["labels"]), config.per_batch)
        until_known(
            network, key, task.owner, host.recipe, fit,
            epochs=config.extra_epochs, host=host, transforms=(finished,),
        )  # fmt: skip
        return Marked(network, key, _exhibits(covers.x, key["triggers"]))


def _exhibits(covers: Tensor, images: Tensor) -> dict[str, Tensor | float | str]:
    return {
        "covers and triggers": torch.cat([covers[:8], images[:8]]),
        "ssim": float(ssim(covers, images)),
        "largest change": float((covers - images).abs().max()),
    }
