"""The certificate, as an extractor: what the median of noisy copies knows, and bounds for networks nearby."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts import Evidence, Extractor, Key, Samples, WhiteBox
from ownmark.contracts.views import device_of
from ownmark.errors import Unreadable
from ownmark_robust.certified.certificate import certified, median_row, noisy_matches
from ownmark_robust.certified.config import CertificateConfig

CONDITIONS = (
    "holds for the l2 distance of all parameters, with this network's architecture and BatchNorm statistics unchanged; "
    "each bound by itself"
)


class Certificate(Extractor):
    """Any key with tensors `triggers` [N, C, H, W] and `labels` [N]; reads weights."""

    config: CertificateConfig

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Matches of the median copy; extras hold the bounds and what they are bounds of.

        Raises:
            Unreadable: the suspect takes other inputs.
        """
        return self.extract_many(suspect, [key], own)[0]

    def extract_many(
        self, suspect: WhiteBox, keys: Sequence[Key], own: nn.Module | None = None
    ) -> list[Evidence]:
        """The same for several keys, each noisy copy reading all of them."""
        if not keys:
            return []
        config, device = self.config, device_of(suspect.network)
        x, labels = (torch.cat([key[name] for key in keys]).to(device) for name in ("triggers", "labels"))
        rng = torch.Generator(device).manual_seed(config.seed)
        try:
            found = noisy_matches(suspect.network, Samples(x, labels), config.sigma, config.draws, rng)
        except RuntimeError as error:  # another architecture may not take these inputs at all
            raise Unreadable(f"the suspect gives no answers to the triggers: {error}") from error
        parts = torch.split(found, [len(key["labels"]) for key in keys], dim=1)
        return [self._evidence(part, key) for part, key in zip(parts, keys, strict=True)]

    def _evidence(self, matches: Tensor, key: Key) -> Evidence:
        config = self.config
        rates = matches.float().mean(1).tolist()
        bounds = {
            f"at least, within {radius:g}": certified(rates, config.sigma, radius, config.confidence)
            for radius in config.radii
        }
        extras: dict[str, float | str] = {**bounds, "conditions": CONDITIONS}
        return Evidence(median_row(matches), chance=key.values.get("chance"), symbol="label", extras=extras)
