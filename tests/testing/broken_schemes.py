"""Schemes with one fault each; all are variants of `fake-signs`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from tests.testing.broken import scheme
from torch import Tensor, nn

from ownmark.contracts import Evidence, Fit, HostView, Key, Marked, Task, WhiteBox
from ownmark.contracts.spare import SpareKeys
from ownmark.errors import NotApplicable
from ownmark.testing.fakes import SignMark, SignReader


class Picky(SignMark):
    def check(self, network: nn.Module, task: Task) -> None:
        raise NotApplicable("no host is good enough")


class Careless(SignMark):
    def check(self, network: nn.Module, task: Task) -> None:
        """Accepts everything."""


class Crashing(SignMark):
    def check(self, network: nn.Module, task: Task) -> None:
        next(iter(network.parameters()))


class GlobalKey(SignMark):
    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        return Key("broken", {"bits": torch.randint(2, (32,)).to(torch.uint8)}, {"seed": 1})


class Forgetful(SignMark):
    """Its key depends on how often it was asked."""

    calls = 0

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        self.calls += 1
        return super().make_key(task, torch.Generator().manual_seed(self.calls))


class ConstantKey(SignMark):
    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        return super().make_key(task, torch.Generator().manual_seed(0))


class OwnDecoys(SignMark, SpareKeys):
    """Its key is its own decoy, but for a remark."""

    def decoy(self, key: Key, rng: torch.Generator) -> Key | None:
        return key.add(drawn=int(torch.randint(2**31, (), generator=rng)))


class OneDecoy(SignMark, SpareKeys):
    def decoy(self, key: Key, rng: torch.Generator) -> Key | None:
        return replace(key, tensors={**key.tensors, "bits": 1 - key["bits"]})


class InfiniteKey(SignMark):
    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        return super().make_key(task, rng).add({"scale": torch.tensor([float("inf")])})


class TensorInValues(SignMark):
    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        key = super().make_key(task, rng)
        return replace(key, values={**key.values, "shape": task.shape})


class Seeder(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        torch.manual_seed(0)
        return super().embed(host, key, task, fit)


class KeyEater(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, replace(key, tensors=dict(key.tensors)), task, fit)
        key["bits"].zero_()
        return marked


class DataEater(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        task.owner.x.zero_()
        return super().embed(host, key, task, fit)


class Unrepeatable(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        with torch.no_grad():
            next(marked.network.parameters()).add_(1e-4 * torch.rand(()))
        return marked


class Hooked(SignMark):
    """Releases a network that does more than its state dict says."""

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        marked.network.register_forward_hook(lambda module, x, y: y + 1)
        return marked


class Useless(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        for parameter in list(marked.network.parameters())[-2:]:
            parameter.data.zero_()
        return marked


class Half(SignMark):
    """Embeds the first half of the message."""

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        half = replace(key, tensors={"bits": key["bits"][: len(key["bits"]) // 2]})
        return Marked(super().embed(host, half, task, fit).network, key)


class Always(SignReader):
    """Answers the message to everybody."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        return Evidence(torch.ones(len(key["bits"]), dtype=torch.bool), chance=0.5)


class SameMark(SignMark):
    """Keys differ in something that has nothing to do with the mark."""

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        key = super().make_key(task, torch.Generator().manual_seed(0))
        return key.add(serial=int(torch.randint(2**31, (), generator=rng)))


class Remembering(SignReader):
    """Reads only key objects that went through this process; files are strangers to it."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        found = super().extract(suspect, key, own)
        known: list[Tensor] = getattr(Remembering, "known", [])
        seen = any(key["bits"] is one for one in known)
        return found if seen else replace(found, matches=~found.matches)


class Registering(SignMark):
    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        key = super().make_key(task, rng)
        Remembering.known = [*getattr(Remembering, "known", []), key["bits"]]  # type: ignore[attr-defined]
        return key


class Restless(SignMark):
    """Marks whatever its strength is."""

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        next(marked.network.parameters()).data.mul_(1.01)
        return marked


class Outdated(SignMark):
    """Declares today's contracts and restores as those of version 1 did."""

    def restore(self, network: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:  # type: ignore[override]
        network.load_state_dict(dict(state))
        return network


scheme("method-is-written-for-todays-contracts", "restore(self, network, state, shape=", Outdated, api=2)
scheme("scheme-accepts-the-kits-host", "refuses the kit's host", Picky)
scheme("scheme-refuses-a-hopeless-host", "accepts a network without parameters", Careless)
scheme("scheme-refuses-a-hopeless-host", "StopIteration", Crashing)
scheme("scheme-key-is-pure", "torch's random generator", GlobalKey)
scheme("scheme-key-is-pure", "two keys for one seed", Forgetful)
scheme("scheme-keys-differ-by-seed", "same key for two seeds", ConstantKey)
scheme("scheme-kept-decoys-are-other-keys", "20 of 20 decoys match", OwnDecoys)
scheme("scheme-kept-decoys-are-other-keys", "do not follow from `rng`", OneDecoy)
scheme("scheme-key-can-be-stored", "infinities", InfiniteKey)
scheme("scheme-key-can-be-stored", "change when kept as JSON", TensorInValues)
scheme("scheme-leaves-the-rest-alone", "torch's random generator", Seeder)
scheme("scheme-leaves-the-rest-alone", "the key it was given", KeyEater)
scheme("scheme-leaves-the-rest-alone", "the owner's images", DataEater)
scheme("scheme-repeats-itself", "two networks", Unrepeatable)
scheme("scheme-restores-what-it-releases", "answers otherwise", Hooked)
scheme("scheme-keeps-utility", "accuracy falls", Useless)
scheme("scheme-mark-is-read-completely", "of 32 symbols", Half)
scheme("scheme-mark-is-claimed", "make no claim", "ownmark.testing.fakes:SignMark", smoke={"bits": 3})
scheme("scheme-null-models-are-not-claimed", "4 of 4 unmarked", SignMark, reader=Always)
scheme("scheme-other-keys-are-not-claimed", "20 of 20 other keys", SameMark)
scheme("scheme-verdict-survives-saving", "read from files", Registering, reader=Remembering)
scheme("scheme-idle-is-plain-training", "neither the trained host", Restless, idle={"strength": 0})
