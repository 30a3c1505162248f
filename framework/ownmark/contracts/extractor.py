"""Extractors: ways to read evidence out of a suspect."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from ownmark.contracts.evidence import Evidence
from ownmark.contracts.returned import returned

if TYPE_CHECKING:
    from ownmark.contracts.evidence import Measured
    from ownmark.contracts.key import Key
    from ownmark.contracts.samples import Samples
    from ownmark.contracts.views import BlackBox, WhiteBox


class Extractor(ABC):
    """Reads a mark with its key.

    A declaration that needs `WHITE_BOX` is handed a `WhiteBox`, one that needs `BLACK_BOX` a `BlackBox`.

    Args:
        config: the declaration's parameter class, or None. Nested methods follow as keyword arguments.
    """

    def __init__(self, config: Any = None) -> None:
        self.config = config

    @abstractmethod
    def extract(self, suspect: Any, key: Key, own: nn.Module | None = None) -> Evidence:
        """Read the message; changes neither suspect nor key.

        Args:
            suspect: `WhiteBox` or `BlackBox`.
            key: of the scheme this extractor reads.
            own: the owner's own marked network, for extractors that declare `OWN_COPY`; else None.

        Raises:
            Unreadable: the suspect lacks what is read, say the key's layer: a result, not a crash.
            NotApplicable: this key cannot be read so, whatever the suspect.
        """

    def extract_many(self, suspect: Any, keys: Sequence[Key], own: nn.Module | None = None) -> list[Evidence]:
        """`extract` for each key, in order; override to read them all in one batched pass."""
        return [returned(self.extract(suspect, key, own), Evidence, "extract") for key in keys]

    def part(self, key: Key, start: int, stop: int) -> Key | None:
        """A key with the symbols `start` to `stop` alone, so that few queries may suffice; None if it cannot be cut."""
        return None

    def measure(self, suspect: WhiteBox | BlackBox, key: Key, test: Samples) -> Mapping[str, Measured]:
        """Further rates on the test set, reported beside the evidence and never used for the verdict.

        The place for what generalises beyond the key: success of *fresh* triggers, accuracy of a private branch.
        """
        return {}

    def exhibits(self, suspect: WhiteBox | BlackBox, key: Key) -> Mapping[str, Tensor]:
        """Pictures of what was read, for the report: `[N, C, H, W]` in [0, 1], few and small, by name.

        Of pictures that are inputs of the network the report also shows what a query-time attack makes of them.
        """
        return {}
