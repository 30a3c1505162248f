"""Show, Attend and Tell, small enough for a CPU.

Paper: Xu et al. 2015. Idea: an LSTM writes word by word and looks at places of the picture that its state chooses.
Equations: attention softmax(v tanh(W_c a + W_h h)), cross entropy of each word given those before it.
Symbols: see `network`. Deviations: see the declaration.
Reported: BLEU-1 72.06 on COCO (invariance paper, Table II, IPR-IC's network).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Batch, Goal, Host, Term
from ownmark.errors import NotApplicable
from ownmark_generative.captioner.config import CaptionerConfig
from ownmark_generative.captioner.network import CaptionNetwork
from ownmark_generative.captions.words import PADDING


def one_reference(references: Tensor) -> Tensor:
    """One of the references [N, R, L] of each picture, drawn from torch's own generator: [N, L]."""
    choice = torch.randint(references.shape[1], (len(references),), device=references.device)
    return references[torch.arange(len(references), device=references.device), choice]


def next_word(network: nn.Module, batch: Batch, step: int) -> Tensor:
    """Mean cross entropy of the words of one reference, each given those before it."""
    assert isinstance(network, CaptionNetwork)
    texts = one_reference(batch.labels)[:, : network.length]
    logits = network.taught(batch.x, texts)
    return F.cross_entropy(logits.flatten(0, 1), texts.flatten(), ignore_index=PADDING)


class Captioner(Host):
    """Describes pictures."""

    config: CaptionerConfig
    goal = Goal.CAPTIONING
    utility = "bleu_1"

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """See `Host.build`; pictures of at least 8 pixels, `classes` words."""
        if min(shape[1:]) < 8:
            raise NotApplicable(
                f"captioner needs pictures of at least 8 x 8 pixels, these are {shape[1]} x {shape[2]}"
            )
        return CaptionNetwork(shape[0], classes, self.config)

    def terms(self) -> Sequence[Term]:
        """Cross entropy of the next word."""
        return (next_word,)
