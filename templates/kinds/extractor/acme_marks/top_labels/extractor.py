"""Labels among the most probable classes: an example of an extractor for other packs' schemes.

Idea: an attack that moves a trigger's label to the second place has not removed the mark.
Threat model: the verifier queries the suspect.
Symbols: p [n, classes] are probabilities, y [n] the key's labels.
"""

from __future__ import annotations

from acme_marks.top_labels.config import TopLabelsConfig
from torch import Tensor, nn

from ownmark.contracts import BlackBox, Evidence, Extractor, Key


def among_best(p: Tensor, y: Tensor, best: int) -> Tensor:
    """Whether y is among the `best` classes of p: [n, classes] and [n] -> bool [n]."""
    top = p.topk(min(best, p.shape[1]), dim=1).indices
    return (top == y[:, None]).any(1)


class TopLabels(Extractor):
    """Reads keys with `triggers` and `labels`, as `ownmark.contracts.fields` has them."""

    config: TopLabelsConfig

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """One query a trigger; only null models can tell the chance."""
        x, y = key["triggers"], key["labels"].cpu()
        if self.config.best == 1:
            return Evidence(suspect.predict(x).cpu() == y, chance=None, symbol="label")
        return Evidence(
            among_best(suspect.probabilities(x).cpu(), y, self.config.best), chance=None, symbol="label"
        )
