"""Schemes: ways to mark a host."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from ownmark.contracts.fit import Fit
    from ownmark.contracts.key import Key
    from ownmark.contracts.views import HostView, Marked, Shape, Task


class Scheme(ABC):
    """Makes a key and embeds it.

    Args:
        config: the declaration's parameter class, or None. Nested methods follow as keyword arguments.
    """

    def __init__(self, config: Any = None) -> None:
        self.config = config

    def check(self, network: nn.Module, task: Task) -> None:
        """Say before any training that this host cannot carry the mark.

        Args:
            network: an untrained instance of the host, not to be changed. `task.owner` may be empty.

        Raises:
            NotApplicable: message longer than the capacity, no such layer, no norm where one is needed ...
        """
        return None

    @abstractmethod
    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draw a fresh key; a pure function of the arguments."""

    @abstractmethod
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Mark a network with `key`, starting from `host.trained()` or `host.blank(fit.rng)` as the method says."""

    def key_bits(self, task: Task) -> float | None:
        """Entropy of a key in bits: what `make_key` chooses and a reader notices; None where nobody worked it out.

        0 says that the mark is the same for all keys (a pattern printed in a paper): it can be found, not whose it is.
        """
        return None

    def restore(
        self, network: nn.Module, state: Mapping[str, Tensor], shape: Shape = (0, 0, 0), classes: int = 0
    ) -> nn.Module:
        """Give an untrained host the released network's weights.

        Override only if the released network has other layers than the host.

        Args:
            network: an untrained host. state: the released network's state dict.
            shape, classes: of the task; the core always gives them.
        """
        network.load_state_dict(dict(state))
        return network
