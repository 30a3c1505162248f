"""Plans: both systems, small, under all transforms of the invariance paper and the usual attacks."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, plans_in
from ownmark_generative.papers import IPR_GAN, IPR_IC


@hookimpl
def ownmark_plans() -> Iterable[Declaration]:
    """The plans."""
    yield from plans_in(
        "ownmark_generative.plans",
        {
            "ipr-gan-small": "a DCGAN on digits, marked by IPR-GAN: three seeds, every invariant transform, pruning"
        },
        IPR_GAN,
    )
    yield from plans_in(
        "ownmark_generative.plans",
        {"ipr-ic-small": "a captioner on a part of Flickr8k, marked by IPR-IC: three seeds, every transform"},
        IPR_IC,
    )
