"""Images as they are kept, a byte a pixel or floats, in memory or in a file; floats where they are asked for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LEVELS = 255.0
"""Of a byte; the brightest is 1."""
_ROWS = 1024
"""Images that are gathered at once."""
_SHARE = 4
"""A mapped set that takes up to this part (1 in 4) of a GPU's free memory is copied there."""


def floats(images: Tensor) -> Tensor:
    """Bytes 0..255 as float32 in [0, 1], contiguous; anything else as it is.

    The divisor is a tensor: CUDA multiplies by the reciprocal of a number, which differs in the last bit.
    """
    if images.dtype != torch.uint8:
        return images
    levels = torch.full((), LEVELS, device=images.device)
    return images.to(torch.float32, memory_format=torch.contiguous_format).div_(levels)


@dataclass(frozen=True)
class Pixels:
    """Images of one shape, to be read in pieces. `Samples` holds them; few others need to know.

    Args:
        parts: sets of images [n, C, H, W] that follow each other, none empty; uint8 stands for levels 0..255.
        rows: positions int64 [N] in all parts together, on the parts' device; None for the whole of a single part.
        target: where images are given, if not where the parts are.
        mapped: a part lies in a file and is never copied as a whole.
    """

    parts: tuple[Tensor, ...]
    rows: Tensor | None = None
    target: torch.device | None = None
    mapped: bool = False

    @classmethod
    def in_file(cls, images: Tensor) -> Pixels:
        """Images [N, C, H, W] over memory-mapped bytes; what is read of them is read when it is needed."""
        return cls((images,), torch.arange(len(images)), mapped=True)

    def __len__(self) -> int:
        return len(self.parts[0] if self.rows is None else self.rows)

    @property
    def shape(self) -> torch.Size:
        """Of one image."""
        return self.parts[0].shape[1:]

    @property
    def device(self) -> torch.device:
        """Where images are given."""
        return self.target or self.parts[0].device

    def read(self) -> Tensor:
        """All of them as floats [N, C, H, W]; the very tensor where that is what is kept."""
        if self.rows is None:
            return floats(self.parts[0])
        dtype = floats(self.parts[0][:0]).dtype
        found = torch.empty((len(self), *self.shape), dtype=dtype, device=self.device)
        for place, rows in zip(torch.split(found, _ROWS), torch.split(self.rows, _ROWS), strict=True):
            place.copy_(self._gathered(rows))
        return found

    def _gathered(self, rows: Tensor) -> Tensor:
        """Images at `rows` [n] of all parts: each part is asked for every row, so that shapes are known beforehand."""
        found, first = floats(self.parts[0][rows.clamp(max=len(self.parts[0]) - 1)]), len(self.parts[0])
        for part in self.parts[1:]:
            place = rows - first
            own = floats(part[place.clamp(0, len(part) - 1)]).to(found.dtype)
            found = torch.where((place >= 0).reshape(-1, *(1 for _ in self.shape)), own, found)
            first += len(part)
        return found

    def take(self, index: Tensor) -> Pixels:
        """Rows `index` (int64 positions or a mask) in that order; of files and joined sets nothing is copied."""
        if self.rows is None:
            return Pixels((self.parts[0][index.to(self.parts[0].device)],))
        return Pixels(self.parts, self.rows[index.to(self.rows.device)], self.target, self.mapped)

    def to(self, device: torch.device | str) -> Pixels:
        """The same images, given on another device; files are read into a GPU that has room for them."""
        device = torch.device(device)
        if not self.mapped:
            rows = None if self.rows is None else self.rows.to(device)
            return Pixels(tuple(part.to(device) for part in self.parts), rows)
        if len(self.parts) == 1 and self._fits(device):
            assert self.rows is not None
            return Pixels((self.parts[0][self.rows].contiguous().to(device),))
        return Pixels(self.parts, self.rows, device, mapped=True)

    def _fits(self, device: torch.device) -> bool:
        if device.type != "cuda":
            return False
        size = len(self) * self.shape.numel() * self.parts[0].element_size()
        return size * _SHARE <= torch.cuda.mem_get_info(device)[0]

    def __add__(self, other: Pixels) -> Pixels:
        """Both, one after the other. Bytes stay bytes and files stay files, whatever they are joined to.

        Raises:
            ValueError: images of different shapes.
        """
        if self.shape != other.shape:
            raise ValueError(f"images of {list(self.shape)} and {list(other.shape)} cannot be one set")
        if not len(other) or not len(self):
            return self if not len(other) else other.to(self.device)
        mapped = self.mapped or other.mapped
        where = torch.device("cpu") if mapped else self.device
        first, second = (one if one.mapped else one.to(where) for one in (self, other))
        if first.rows is None and second.rows is None and first.parts[0].dtype == second.parts[0].dtype:
            return Pixels((torch.cat([first.parts[0], second.parts[0]]),))
        if all(part.dtype != torch.uint8 for one in (first, second) for part in one.parts):
            return Pixels((torch.cat([first.read(), second.read().to(first.parts[0].dtype)]),))
        offset = sum(map(len, first.parts))
        rows = torch.cat([first._positions(), second._positions() + offset])
        return Pixels((*first.parts, *second.parts), rows, self.device if mapped else None, mapped)

    def _positions(self) -> Tensor:
        return torch.arange(len(self), device=self.parts[0].device) if self.rows is None else self.rows

    def shares_memory(self, other: Pixels) -> bool:
        """Whether a change of one could change the other."""
        mine, others = ({part.untyped_storage().data_ptr() for part in one.parts} for one in (self, other))
        return not mine.isdisjoint(others)
