"""Plans: both systems under all transforms of the invariance paper and pruning, small and at the papers' scale."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, plans_in
from ownmark_generative.papers import IPR_GAN, IPR_IC

_GAN = {
    "ipr-gan-small": "a DCGAN on digits, marked by IPR-GAN: three seeds, every invariant transform, pruning",
    "ipr-gan": "the same at the paper's scale: CUB-200 at 64 x 64 pixels; needs its folder of pictures",
}
_CAPTIONS = {
    "ipr-ic-small": "a captioner on a part of Flickr8k, marked by IPR-IC: three seeds, every transform",
    "ipr-ic": "the same at the paper's scale: COCO with 512 units; needs its pictures and annotations",
}


@hookimpl
def ownmark_plans() -> Iterable[Declaration]:
    """The plans."""
    yield from plans_in(__name__, _GAN, IPR_GAN)
    yield from plans_in(__name__, _CAPTIONS, IPR_IC)
