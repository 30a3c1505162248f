"""Training that stops by, and goes back to, what held-back images say."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Samples, outputs


def loss_on(network: nn.Module, samples: Samples) -> float:
    """Mean cross entropy on the samples, in eval mode."""
    logits = outputs(network, samples.x)
    return float(F.cross_entropy(logits, samples.labels.to(logits.device)))


class Best:
    """A condition for `StopWhen`: remembers the state with the lowest held-back loss, and gives up after a while.

    Args:
        samples: held back. patience: epochs without a lower loss after which it says stop.
    """

    def __init__(self, samples: Samples, patience: int) -> None:
        self._samples = samples
        self._patience = patience
        self._waited = 0
        self.loss = float("inf")
        self.epoch = 0
        self.epochs = 0
        self._state: dict[str, Tensor] = {}

    def __call__(self, network: nn.Module) -> bool:
        """Asked after every epoch; whether to stop."""
        self.epochs += 1
        loss = loss_on(network, self._samples)
        if loss < self.loss:
            self.loss, self.epoch, self._waited = loss, self.epochs, 0
            self._state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        else:
            self._waited += 1
        return self._waited >= self._patience

    @torch.no_grad()
    def restore(self, network: nn.Module) -> nn.Module:
        """The network with the best state; unchanged if no epoch was seen."""
        if self._state:
            network.load_state_dict(self._state)
        return network
