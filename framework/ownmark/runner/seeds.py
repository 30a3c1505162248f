"""Randomness by name: every draw of a run follows from the plan's seed and the purpose it is for."""

from __future__ import annotations

import hashlib

import torch


def rng_for(*purpose: object) -> torch.Generator:
    """A CPU generator that depends on the purpose and nothing else: `rng_for("attack", 0)`."""
    text = "\0".join(str(part) for part in purpose)
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    return torch.Generator().manual_seed(seed)


def stray(stage: str) -> torch.Generator:
    """What seeds torch's global generator around a stage, for a method that draws from it after all."""
    return rng_for("stray", stage)
