"""`wav-folder`: tones lie where they should, and files that are no waves are named."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import wavfile

from ownmark.builtin.datasets.config import WavFolderConfig
from ownmark.builtin.datasets.spectrograms import WavFolder
from ownmark.errors import DataError

TONES = {"high": 2500, "low": 400}


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("OWNMARK_CACHE", str(tmp_path_factory.mktemp("cache")))


def record(root, rate=8000, kind=np.int16, channels=1):
    """Five tones a class, of the second half of a second."""
    for name, hertz in TONES.items():
        (root / name).mkdir(parents=True)
        for i in range(5):
            time = np.arange(rate) / rate
            wave = 0.5 * np.sin(2 * np.pi * (hertz + 5 * i) * time) * (time >= 0.5)
            scaled = wave if kind is np.float32 else wave * np.iinfo(np.int16).max
            scaled = 128 + 127 * wave if kind is np.uint8 else scaled
            stored = np.repeat(scaled[:, None], channels, 1) if channels > 1 else scaled
            wavfile.write(root / name / f"{i}.wav", rate, stored.astype(kind))
    return root


@pytest.mark.parametrize(
    ("rate", "kind", "channels"),
    [(8000, np.int16, 1), (16000, np.int16, 2), (11025, np.float32, 1), (8000, np.uint8, 1)],
)
def test_tones_lie_at_their_frequency_and_time(tmp_path, rate, kind, channels):
    images = WavFolder(WavFolderConfig(path=record(tmp_path / "w", rate, kind, channels))).load()
    assert (images.shape, images.classes, len(images.train), len(images.test)) == ((1, 32, 32), 2, 8, 2)
    edges = np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 34)[1:-1]
    for image, label in zip(images.train.x[:, 0].numpy(), images.train.labels.tolist(), strict=True):
        mel = 2595 * np.log10(1 + list(TONES.values())[label] / 700)
        assert abs(image[:, 20:].mean(1).argmax() - (31 - np.abs(edges - mel).argmin())) <= 1
        assert image.max() == 1
        assert image[:, :14].mean() < 0.2 * image[:, 18:].max()


@pytest.mark.parametrize(
    "content", [b"", b"no wave", b"RIFF\x00\x00\x00\x00WAVE"], ids=["empty", "text", "header only"]
)
def test_files_that_are_no_waves_are_named(tmp_path, content):
    root = record(tmp_path / "w")
    (root / "low" / "2.wav").write_bytes(content)
    with pytest.raises(DataError, match=r"1 bad file: low/2\.wav"):
        WavFolder(WavFolderConfig(path=root)).load()
    skipping = WavFolder(WavFolderConfig(path=root, skip_bad=True)).load()
    assert len(skipping.train) + len(skipping.test) == 9
