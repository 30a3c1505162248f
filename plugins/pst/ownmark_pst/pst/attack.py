"""PST: Pattern embedding and Spatial-level Transformation of every query (Guo et al., arXiv:2009.08697).

Idea: what was learnt by heart is tied to exact pixels, what was learnt as a concept is not. So warp each query a
little, differently each time, in front of the network: normal inputs keep their meaning, triggers lose theirs.
Threat model: the thief holds the weights, knows nothing of the mark and needs no data.
Functions: `spatial.pst_transform` is Algorithm 1's g; `embed_pattern` its lines 10 to 12, `affine_displacement` and
`elastic_displacement` with `warp` its lines 13 and 14.
Symbols: images [N, C, H, W] in [0, 1]; beta, v, gamma as in the paper.
Deviations: see the declaration in `__init__` and the method card.
Reported: CIFAR-10, accuracy / triggers: Perturbation .83 / .58, Patch .82 / .32, Content .82 / .24, OOD .83 / .14
(Table 1).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark_pst.front import QueryTime
from ownmark_pst.pst.config import STConfig
from ownmark_pst.pst.spatial import pst_transform


class PST(QueryTime):
    """Warps every query; `st` is the same class with parameters that know no pattern."""

    config: STConfig

    def change(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """`pst_transform` with the attack's parameters."""
        return pst_transform(x, self.config, rng)
