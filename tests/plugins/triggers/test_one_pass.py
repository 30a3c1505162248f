"""Verifying all keys of a scheme against a suspect is one batched pass, whichever extractor reads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ownmark.contracts import BlackBox, Extractor, Key, Task
from ownmark.discovery import discover
from ownmark.methods import Kind

READ_BY: dict[str, str] = {
    "content": "triggers",
    "frontier_stitching": "frontier_stitching",
    "rose": "rose",
    "piracy": "piracy",
    "ntl": "ntl",
}
"""A scheme for each extractor of the pack."""


def drawn_keys(scheme: str, task: Task, rng: Callable[[int], torch.Generator]) -> list[Key]:
    """Four keys of a scheme, with the tensors that embedding adds where drawing gives none."""
    build = discover().build(Kind.SCHEME, scheme, {"keys": 10})
    keys = [build.make_key(task, rng(i)) for i in range(4)]
    if scheme != "frontier_stitching":
        return keys
    own = {"triggers": task.owner.x[:10], "labels": task.owner.labels[:10]}
    return [Key(key.scheme, {**key.tensors, **own}, {**key.values, "true": 5}) for key in keys]


@pytest.mark.parametrize("scheme", READ_BY)
def test_all_keys_are_one_batched_pass(
    scheme: str, task: Task, rng: Callable[[int], torch.Generator]
) -> None:
    reader: Extractor = discover().build(Kind.EXTRACTOR, READ_BY[scheme], {})
    keys, passes = drawn_keys(scheme, task, rng), []

    def answer(x: Tensor) -> Tensor:
        passes.append(len(x))
        return x.flatten(1).sum(1).long() % 10

    together = reader.extract_many(BlackBox(answer), keys)
    assert len(passes) == 1
    single = [reader.extract(BlackBox(answer), key) for key in keys]
    assert len(passes) == 1 + len(keys)
    assert passes[0] == sum(passes[1:])
    assert all(torch.equal(one.matches, two.matches) for one, two in zip(together, single, strict=True))
