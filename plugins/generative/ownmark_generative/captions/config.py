"""Parameters of the captions dataset."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ownmark.config import Count, configuration


@configuration
class CaptionsConfig:
    """Where pictures and texts lie, and what becomes of them."""

    path: Path = Path("flickr8k-mini.zip")
    """A folder or a zip with `captions.csv` (columns image, caption_index, caption) and `images/`, or with COCO-style
    annotations; looked for beside the plan and in OWNMARK_DATA."""
    annotations: str = ""
    """Name of a COCO-style JSON file in it (`images` and `annotations`), with `folder` for its pictures."""
    folder: str = "images"
    """Where in it the pictures lie."""
    size: Count = 32
    """Height and width that pictures are cut and shrunk to."""
    length: Count = 12
    """Token ids a text, its end included; longer ones are cut."""
    vocabulary: int = Field(default=400, ge=10, le=1_000_000)
    """Token ids that there are, for the commonest words of the training texts; four are special."""
    references: Count = 5
    """Texts a picture; pictures with fewer are refused."""
    test: float = Field(default=0.25, gt=0, lt=1)
    """Share of the pictures that are kept for the test, the last in the order of their names."""
