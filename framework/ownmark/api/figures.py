"""Figures that notebooks show, whether or not anybody imported pyplot there."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class Picture(Figure):
    """A figure of matplotlib that shows itself."""

    def _repr_png_(self) -> bytes:
        """What Jupyter asks an object for."""
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", dpi=100)
        return drawn.getvalue()
