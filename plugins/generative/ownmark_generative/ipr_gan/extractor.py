"""Signs from weights, and logos from answers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import BlackBox, Evidence, Extractor, Key, WhiteBox
from ownmark.errors import Unreadable
from ownmark_generative.ipr_gan.config import LogosConfig
from ownmark_generative.ipr_gan.logo import likeness
from ownmark_generative.ipr_gan.scheme import scales
from ownmark_generative.signs import bits_for


class ScaleSigns(Extractor):
    """A positive scale is a 1; zero is neither, and counts as wrong."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """One symbol a scale; under the key's pad each matches an unmarked network with probability 1/2.

        Raises:
            Unreadable: other scales than the owner's network has, or no numbers in them.
        """
        found = scales(suspect.network)
        if not found:
            raise Unreadable("the suspect has no norm with a scale")
        gamma = torch.cat([scale.detach().flatten() for scale in found]).cpu()
        carried = key.tensors.get("bits")
        if carried is not None and len(carried) != len(gamma):
            raise Unreadable(f"the suspect has {len(gamma)} scales, the mark is in {len(carried)}")
        if not bool(gamma.isfinite().all()):
            raise Unreadable("the suspect's scales are no numbers")
        bits = bits_for(key, len(gamma)).bool()
        return Evidence(torch.where(bits, gamma > 0, gamma < 0), chance=0.5)


class Logos(Extractor):
    """Asks with the key's latents and looks for its logo."""

    config: LogosConfig

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """One symbol a trigger; `ssim` is the mean likeness.

        Raises:
            Unreadable: the scheme embedded no logo, or the answers are no such pictures.
        """
        if "latents" not in key.tensors:
            raise Unreadable("this key calls for no logo (`logo: none`)")
        made, logo = suspect.answers(key["latents"]), key["logo"]
        if made.ndim != 4 or made.shape[1] != logo.shape[0] or min(made.shape[2:]) < max(logo.shape[1:]):
            raise Unreadable(
                f"the answers {list(made.shape)} are no pictures that hold the logo {list(logo.shape)}"
            )
        like = likeness(made.cpu(), logo.cpu())
        return Evidence(like >= self.config.similar, symbol="logo", extras={"ssim": float(like.mean())})

    def exhibits(self, suspect: WhiteBox | BlackBox, key: Key) -> dict[str, Tensor]:
        """What triggers give, and the logo they call for."""
        if not isinstance(suspect, BlackBox) or "latents" not in key.tensors:
            return {}
        made = suspect.answers(key["latents"][:8]).cpu().clamp(0, 1)
        return {"ipr_gan: logos": made, "ipr_gan: the key's logo": key["logo"].cpu()[None]}
