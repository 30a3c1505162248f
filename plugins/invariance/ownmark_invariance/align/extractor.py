"""The mitigation that the paper names (VII-D): recover the network before the mark is read.

Idea: the thief's transforms leave every activation what it was, up to order, scale and sign. Both networks look at
the same noise; one assignment a group of exchangeable neurons finds the order, matched pairs tell scale and sign.
Threat model: the verifier holds the suspect's weights and the owner's marked copy.
Equations: `probing.correlations`, `matching.assign`, `undoing.estimate`; `undoing.undo` applies the inverse.
Deviations: the paper gives no algorithm, and thinks this non-trivial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor, nn

from ownmark.contracts import Evidence, Extractor, Key, Measured, Samples, WhiteBox
from ownmark.contracts.views import Shape
from ownmark.errors import NotApplicable
from ownmark_invariance.align.config import AlignConfig
from ownmark_invariance.align.probing import fitting_shape, noise_images
from ownmark_invariance.align.undoing import differences, estimate, undo
from ownmark_invariance.attacking import refusals, study


def aligned(
    own: nn.Module, suspect: nn.Module, shape: Shape | None = None, images: int = 16
) -> tuple[nn.Module, Mapping[str, float | str]]:
    """The suspect in the owner's order, scales and signs, and what was found on the way.

    A suspect of another structure comes back as it is, with the reason.

    Args:
        own: the owner's copy, in eval mode. shape: of an input; by default the first usual one that `own` takes.

    Raises:
        NotApplicable: the owner's copy cannot be traced, or takes no usual input.
    """
    if why := differences(own, suspect):
        return suspect, {"alignment": f"none: {why}"}
    shape = shape or fitting_shape(own)
    with refusals():
        groups = study(own, shape)
        found = estimate(own, suspect, groups, noise_images(images, shape))
        return undo(suspect, groups, found), {
            "alignment": "done",
            "alignment_likeness": found.likeness,
            "alignment_moved": found.moved,
        }


class Aligned(WhiteBox):
    """The suspect's weights in the owner's order, for readers of weights alone."""

    def answers(self, x: Tensor) -> Tensor:
        """Nothing.

        Raises:
            NotApplicable: always.
        """
        raise NotApplicable(
            "the mark is read from answers; a reader that takes weights, such as `align`, has nothing to read"
        )

    predict = probabilities = answers


class Align(Extractor):
    """White box. Fitting the suspect to the owner's copy favours the owner: only null models tell by how much."""

    config: AlignConfig

    def __init__(self, config: AlignConfig | None = None, extractor: Extractor | None = None) -> None:
        super().__init__(config)
        self._extractor = extractor

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Align, then read as usual.

        Raises:
            NotApplicable: there is no owner's copy or no extractor, or the mark is not there to be read.
        """
        return self.extract_many(suspect, [key], own)[0]

    def extract_many(
        self, suspect: WhiteBox, keys: Sequence[Key], own: nn.Module | None = None
    ) -> list[Evidence]:
        """Align once and read all keys."""
        if self._extractor is None:
            raise NotApplicable(
                "`align` reads through another extractor; name one: {align: {extractor: uchida}}"
            )
        if own is None:
            raise NotApplicable("`align` compares with the owner's own copy, and there is none")
        network, notes = aligned(own, suspect.network, self.config.shape, self.config.images)
        found = self._extractor.extract_many(Aligned(network), keys, own)
        return [replace(one, chance=None, extras={**one.extras, **notes}) for one in found]

    def measure(self, suspect: WhiteBox, key: Key, test: Samples) -> Mapping[str, Measured]:  # type: ignore[override]
        """Nothing: without the owner's copy at hand the suspect cannot be aligned here."""
        return {}
