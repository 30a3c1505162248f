"""What several transforms share: Gaussian smoothing, JPEG's colours, its 8 x 8 blocks."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 8
"""Side of a JPEG block in pixels."""

_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def gaussian_matrix(size: int, sigma: float, like: Tensor) -> Tensor:
    """W [size, size] such that W @ x smooths the columns of x with a Gaussian cut off at 3 sigma.

    Borders are mirrored about the outermost pixels, as often as the kernel is longer than the image. As a matrix the
    smoothing of an image is two products, W x W^T, many times faster than a convolution with a long kernel.
    """
    radius = max(1, math.ceil(3 * sigma))
    offset = torch.arange(-radius, radius + 1, device=like.device)
    weight = torch.exp(-0.5 * (offset.to(like) / sigma) ** 2)
    period = max(1, 2 * (size - 1))
    source = (torch.arange(size, device=like.device)[:, None] + offset).remainder(period)
    source = torch.minimum(source, period - source)
    matrix = torch.zeros(size, size, device=like.device, dtype=like.dtype)
    return matrix.scatter_add_(1, source, (weight / weight.sum()).expand(size, -1))


def smooth(x: Tensor, sigma: float) -> Tensor:
    """Gaussian smoothing of images [..., H, W], borders mirrored; `sigma` in pixels, 0 smooths nothing."""
    if sigma == 0:
        return x
    rows, columns = gaussian_matrix(x.shape[-2], sigma, x), gaussian_matrix(x.shape[-1], sigma, x)
    return rows @ x @ columns.T


def _mixed(x: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    return torch.einsum("dc,nchw->ndhw", x.new_tensor(matrix), x)


def to_ycc(x: Tensor) -> Tensor:
    """RGB [N, 3, H, W] to luma and two chroma differences around 0 (JFIF); other channel counts stay as they are."""
    return _mixed(x, _TO_YCC) if x.shape[1] == 3 else x


def from_ycc(x: Tensor) -> Tensor:
    """Inverse of `to_ycc`."""
    return _mixed(x, _TO_RGB) if x.shape[1] == 3 else x


def dct_matrix(like: Tensor) -> Tensor:
    """Orthonormal DCT-II of length 8: coefficients are D b D^T."""
    n = torch.arange(BLOCK, device=like.device, dtype=torch.float64)
    matrix = torch.cos(math.pi / BLOCK * (n + 0.5) * n[:, None]) * math.sqrt(2 / BLOCK)
    matrix[0] /= math.sqrt(2)
    return matrix.to(like)


def padded(x: Tensor, multiple: int) -> Tensor:
    """Images [N, C, H, W] with the last row and column repeated up to multiples of `multiple`."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def quantised(x: Tensor, table: Tensor) -> Tensor:
    """Each 8 x 8 block's DCT coefficients rounded to multiples of the table's entries.

    Args:
        x: [N, C, H, W], grey levels around 0. table: [8, 8] steps, frequency 0 first. Returns: the shape of x.
    """
    count, channels, height, width = x.shape
    full = padded(x, BLOCK)
    rows, columns = full.shape[2] // BLOCK, full.shape[3] // BLOCK
    blocks = full.reshape(count, channels, rows, BLOCK, columns, BLOCK).transpose(3, 4)
    dct, table = dct_matrix(x), table.to(x)
    coefficients = dct @ blocks @ dct.T
    blocks = dct.T @ ((coefficients / table).round() * table) @ dct
    return blocks.transpose(3, 4).reshape(count, channels, *full.shape[2:])[..., :height, :width]
