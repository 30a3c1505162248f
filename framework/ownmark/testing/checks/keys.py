"""Checks of schemes: their keys, and what they say of a host before anything is trained."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import torch
from torch import nn

from ownmark.contracts import Key, Samples, Task
from ownmark.contracts.fields import faults
from ownmark.errors import NotApplicable
from ownmark.methods import Kind
from ownmark.testing.check import CheckFailed, check, require
from ownmark.testing.states import ambient, disturbed, listed, stirred, unfinished
from ownmark.testing.subject import Subject
from ownmark.testing.workbench import Workbench


def hopeless(bench: Workbench) -> tuple[nn.Module, Task]:
    """A network without a parameter, and a task of one pixel (one sample, one token) and one class."""
    inputs, shape = bench.splits.inputs, tuple(1 for _ in bench.splits.shape)
    nothing = Samples(torch.zeros((0, *shape), dtype=inputs.dtype), torch.zeros(0, dtype=torch.int64))
    return nn.Flatten(), Task("hopeless", shape, 1, nothing, inputs=inputs, goal=bench.host.goal)


@check(Kind.SCHEME)
def scheme_accepts_the_kits_host(subject: Subject) -> None:
    """`check` lets the kit's host pass, also with the owner's images left out."""
    try:
        subject.instance.check(subject.bench.blank(), subject.task.bare())
    except NotApplicable as error:
        raise CheckFailed(
            f"{subject.label} refuses the kit's host ({error}); change its smoke or smoke_host arguments"
        ) from error


@check(Kind.SCHEME)
def scheme_refuses_a_hopeless_host(subject: Subject) -> None:
    """`check` raises NotApplicable for a network without parameters, one pixel, one class."""
    scheme = subject.instance
    try:
        scheme.check(*hopeless(subject.bench))
    except NotApplicable:
        return
    except Exception as error:
        raise CheckFailed(
            f"{subject.label}: check raises {type(error).__name__} ({error}) for a hopeless host; raise NotApplicable"
        ) from error
    raise CheckFailed(
        f"{subject.label}: check accepts a network without parameters for one-pixel images of one class; "
        "say there what the mark needs, by raising NotApplicable"
    )


@check(Kind.SCHEME)
def scheme_key_is_pure(subject: Subject) -> None:
    """`make_key` depends on task and generator alone, and disturbs nothing."""
    before = ambient()
    first = subject.embedding.fresh_key(0)
    harmed = disturbed(before)
    require(not harmed, f"{subject.label}: make_key changes {listed(harmed)}; draw from `rng` only")
    with stirred():
        second = subject.embedding.fresh_key(0)
    require(
        first.digest() == second.digest(),
        f"{subject.label}: make_key gives two keys for one seed; draw from `rng` only and keep no state",
    )


@check(Kind.SCHEME)
def scheme_keys_differ_by_seed(subject: Subject) -> None:
    """Two seeds give two keys."""
    first, second = subject.embedding.fresh_key(0), subject.embedding.fresh_key(1)
    require(
        first.digest() != second.digest(),
        f"{subject.label}: make_key gives the same key for two seeds; draw the secret from `rng`",
    )


@check(Kind.SCHEME)
def scheme_key_can_be_stored(subject: Subject) -> None:
    """Key tensors are finite, values are JSON, and a saved key is read back the same; fresh or embedded."""
    for key in (subject.embedding.fresh_key(0), subject.embedding.first.key):
        broken = unfinished(key.tensors)
        require(not broken, f"{subject.label}: key tensor {listed(broken)} holds infinities or not-a-numbers")
        try:
            plain = json.loads(json.dumps(dict(key.values), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise CheckFailed(
                f"{subject.label}: the key's values are not JSON ({error}); put tensors into `tensors`"
            ) from error
        require(plain == dict(key.values), f"{subject.label}: the key's values change when kept as JSON")
        _round_trip(subject, key)


@check(Kind.SCHEME, thorough=True)
def scheme_key_speaks_the_common_names(subject: Subject) -> None:
    """Tensors called `triggers`, `labels` or `bits` are what other packs' extractors take them for."""
    for key in (subject.embedding.fresh_key(0), subject.embedding.first.key):
        found = list(faults(key))
        require(
            not found,
            f"{subject.label}: the key's {'; '.join(found)}. Call it otherwise, or see contracts.fields",
        )


def _round_trip(subject: Subject, key: Key) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key.safetensors"
        key.save(path)
        require(Key.load(path).digest() == key.digest(), f"{subject.label}: the key changes when it is saved")
