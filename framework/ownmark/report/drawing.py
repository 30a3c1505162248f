"""How pictures are made: matplotlib's Agg, our own style whatever the user's, the same bytes for the same input."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ownmark.foreign import paragraph

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#808080")
"""Colours that colour-blind readers tell apart (Okabe & Ito 2008, grey for its yellow)."""
MARKERS = "os^Dv<>P"
DASHES = ("-", "--", "-.", (0, (6, 1, 1, 1, 1, 1)))
_STYLE: dict[Any, object] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.dpi": 150,
    "savefig.dpi": 150,
    "hatch.color": "#9a9a9a",
    "hatch.linewidth": 0.6,
}


def said(text: str, most: int = 200) -> str:
    """Foreign text as matplotlib takes it: lines stay, what cannot be printed is escaped, `$` is no formula."""
    return paragraph(text, most).replace("$", r"\$")


def picture(draw: Callable[[Figure], None], width: float, height: float) -> bytes:
    """The PNG of a figure of `width` x `height` inches at 150 dots an inch, trimmed to what `draw` put there."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(
            buffer, format="png", metadata={"Software": None}, bbox_inches="tight", pad_inches=0.15
        )
    return buffer.getvalue()
