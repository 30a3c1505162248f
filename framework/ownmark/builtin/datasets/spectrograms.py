"""A folder of WAV files, one directory a class, as log-mel spectrograms: grey images, high tones on top.

The mel scale is O'Shaughnessy's, m = 2595 log10(1 + f / 700); filters are triangles, evenly spaced in mel.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ownmark.builtin.datasets.config import WavFolderConfig
from ownmark.builtin.datasets.decoded import BadFile, Decode
from ownmark.builtin.datasets.decoded_folder import DecodedFolder
from ownmark.builtin.datasets.listing import Listing
from ownmark.builtin.datasets.pixels import Bytes

RANGE_DB = 80.0
"""From black to white; white is the loudest point of the utterance."""
Wave = npt.NDArray[np.float64]


def filters(mels: int, window: int, rate: int) -> Wave:
    """Triangles over the frequencies of a real Fourier transform, [mels, window / 2 + 1], low tones first."""
    top = 2595 * math.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, mels + 2) / 2595) - 1)
    places = np.arange(window // 2 + 1) * rate / window
    rising = (places - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - places) / np.diff(edges)[1:, None]
    return np.clip(np.minimum(rising, falling), 0, None)


def spectrogram(wave: Wave, rate: int, mels: int, frames: int, window: int) -> Bytes:
    """Levels 0..255 [mels, frames] of an utterance [N], frames evenly spaced; silence is black."""
    starts = np.linspace(0, max(0, len(wave) - window), frames).astype(int)
    padded = np.pad(wave, (0, max(0, window - len(wave))))
    pieces = np.stack([padded[start : start + window] for start in starts]) * np.hanning(window)
    power = filters(mels, window, rate) @ (np.abs(np.fft.rfft(pieces)) ** 2).T
    loudest = power.max()
    if loudest <= 0:
        return np.zeros((mels, frames), np.uint8)
    level = 1 + 10 * np.log10(np.maximum(power / loudest, 1e-30)) / RANGE_DB
    found: Bytes = np.round(255 * np.clip(level, 0, 1)).astype(np.uint8)[::-1].copy()
    return found


class WavFolder(DecodedFolder):
    """WAV files as spectrograms."""

    config: WavFolderConfig
    suffixes = frozenset({".wav"})

    def decoding(self, listing: Listing) -> tuple[dict[str, Any], Decode]:
        """See `DecodedFolder.decoding`."""
        one = self.config
        about = {
            "kind": "waves",
            "rate": one.rate,
            "seconds": one.seconds,
            "size": [one.mels, one.frames, one.window],
        }

        def decode(path: Path) -> Bytes:
            wave = read(path, one.rate, one.seconds)
            return spectrogram(wave, one.rate, one.mels, one.frames, one.window)

        return about, decode


def read(path: Path, rate: int, seconds: float) -> Wave:
    """One channel at this rate, cut or padded with silence: [rate * seconds].

    Raises:
        BadFile: it is no WAV file, or has nothing in it.
    """
    from scipy.io import wavfile
    from scipy.signal import resample_poly

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # unknown chunks
            found, stored = wavfile.read(path)
    except Exception as error:  # whatever scipy raises for bytes that are none of its formats
        raise BadFile(str(error) or type(error).__name__) from error
    wave: Any = np.asarray(stored, np.float64) - (128 if stored.dtype == np.uint8 else 0)
    wave = wave.mean(1) if wave.ndim == 2 else wave
    if not len(wave) or not np.isfinite(wave).all() or found < 1:
        raise BadFile("no samples, or no numbers")
    common = math.gcd(int(found), rate)
    wave = resample_poly(wave, rate // common, int(found) // common)
    count = round(rate * seconds)
    return np.pad(wave[:count], (0, max(0, count - len(wave))))
