"""Parameters of Greedy Residuals; defaults are those of the authors' code."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import NonNegative, Positive, configuration
from ownmark_whitebox.config import MESSAGE, LayerName, StartConfig


@configuration
class GreedyResidualsConfig(StartConfig):
    """What is signed, where the hash goes, and how hard it is pressed in."""

    message: str = Field(default=MESSAGE, min_length=1)
    """The owner's assertion. It is signed; what is embedded is the SHA-256 of the signature."""
    signature: Literal["rsa", "ed25519"] = "rsa"
    """RSASSA-PKCS1-v1_5 with SHA-256 (authors' code), or Ed25519, whose keys are drawn a thousand times as fast."""
    key_size: Annotated[int, Field(ge=1024, le=8192, multiple_of=256)] = 2048
    """Bits of the RSA modulus. The authors' 512 can be factored by anybody."""
    bits: int = Field(default=256, ge=8, le=256)
    """Leading bits of the hash to embed; fewer than 256 only for layers too small for all."""
    layer: LayerName = ""
    """Name of a convolution or linear layer; `auto` (or empty) takes the first convolution with six weights a bit
    (in the paper's ResNet-18 the first of all, 1728 weights)."""
    columns: int | None = Field(default=253, ge=2, le=1_000_000)
    """Length of a pooled row: the layer is stretched or shrunk to bits x columns. None takes weights // bits,
    so that nothing is stretched."""
    eta: float = Field(default=0.5, gt=0, le=1)
    """Share of each row that is kept, the largest by magnitude (section 3.2; `divider` 2 in the code)."""
    threshold: Positive = 0.1
    """Margin of the hinge on each residual."""
    strength: NonNegative = 0.01
    """Lambda, the weight of the hinge's sum over bits."""
    scale: bool = True
    """Raise `strength` to what the recipe needs to carry the residuals to the margin; the paper's own recipe
    (200 epochs) needs less than 0.01 and is left alone."""
