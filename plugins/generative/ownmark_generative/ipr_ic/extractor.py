"""The state's signs, by majority over the key's pictures."""

from __future__ import annotations

from torch import nn

from ownmark.contracts import Evidence, Extractor, Key, WhiteBox, evaluating
from ownmark.contracts.views import device_of
from ownmark.errors import Unreadable
from ownmark_generative.ipr_ic.scheme import units
from ownmark_generative.signs import bits_for


class StateSigns(Extractor):
    """A unit that is positive on more than half of the pictures is a 1."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """One symbol a unit; `sign_agreement` is the share of right signs of single pictures.

        Raises:
            Unreadable: the suspect has no such state, or it holds no numbers.
        """
        network = suspect.network
        count, carried = units(network), key.tensors.get("bits")
        if not count or (carried is not None and len(carried) != count):
            raise Unreadable(f"the suspect's state has {count} units to look at")
        with evaluating(network):
            try:
                hidden = network.first_state(key["pictures"].to(device_of(network))).cpu()  # type: ignore[operator]
            except (RuntimeError, TypeError) as error:
                raise Unreadable(f"the suspect does not take the key's pictures ({error})") from error
        if not bool(hidden.isfinite().all()):
            raise Unreadable("the suspect's state is no number")
        bits = bits_for(key, count).bool()
        positive = hidden > 0
        majority = positive.float().mean(0) > 0.5
        agreement = float((positive == bits).float().mean())
        return Evidence(majority == bits, chance=0.5, extras={"sign_agreement": agreement})
