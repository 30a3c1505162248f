"""Pictures with texts: Flickr8k's form, and COCO's."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_generative.papers import FLICKR8K


@hookimpl
def ownmark_datasets() -> Iterable[Declaration]:
    """From files, and made up."""
    return [
        Declaration(
            id="captions",
            kind=Kind.DATASET,
            target="ownmark_generative.captions.dataset:Captions",
            config="ownmark_generative.captions.config:CaptionsConfig",
            summary="pictures with several texts each: Flickr8k's zip, or COCO-style annotations",
            paper=FLICKR8K,
            requires={"tokenizers": "captions", "PIL": "captions"},
            api=3,
        ),
        Declaration(
            id="captioned_shapes",
            kind=Kind.DATASET,
            target="ownmark_generative.captions.shapes:CaptionedShapes",
            config="ownmark_generative.captions.shapes:ShapesConfig",
            summary="coloured shapes with captions out of templates; needs no file",
            smoke={"train": 96, "test": 32},
            api=3,
        ),
    ]
