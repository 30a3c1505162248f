"""Reading passports: load them into the suspect's convolutions, take the signs of the scales they make."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ownmark.contracts import Evidence, Extractor, Key, Measured, Samples, WhiteBox, outputs
from ownmark.errors import NotApplicable, Unreadable
from ownmark_passports.branches import insert, passport_norms, private_branch
from ownmark_passports.keys import completed, redrawn
from ownmark_passports.message import unsealed
from ownmark_passports.passport import mean_windows, scales


def read_scales(network: nn.Module, key: Key) -> Tensor:
    """gamma0 of every passport layer, one after the other: [T].

    Args:
        key: complete.

    Raises:
        Unreadable: the network lacks one of the key's convolutions, or has one of another shape.
    """
    modules = dict(network.named_modules())
    found = []
    for at, (name, channels) in enumerate(zip(key.values["layers"], key.values["channels"], strict=True)):
        conv, passport = modules.get(name), key[f"passport.{at}"][:1]
        if not isinstance(conv, nn.Conv2d):
            raise Unreadable(f"the suspect has no convolution {name!r}, which the key has a passport for")
        expected = (channels, passport.shape[1])
        if tuple(conv.weight.shape[:2]) != expected:
            raise Unreadable(
                f"convolution {name!r} has {tuple(conv.weight.shape[:2])} channels, the key expects {expected}"
            )
        if not bool(torch.isfinite(conv.weight).all()):
            raise Unreadable(f"convolution {name!r} holds values that are no numbers")
        windows = mean_windows(passport.to(conv.weight.device), conv)
        found.append(scales(conv.weight.detach(), windows)[0])
    return torch.cat(found)


def equipped(network: nn.Module, key: Key) -> nn.Module:
    """A copy of the suspect with the key's private parts inserted.

    Raises:
        Unreadable: the network lacks layers of the key, or a norm behind one.
    """
    return insert(copy.deepcopy(network), key)


def private_accuracy(network: nn.Module, key: Key, test: Samples) -> Measured:
    """Accuracy of the suspect's convolutions under the key's private norms."""
    with private_branch(equipped(network, key)) as private:
        found = outputs(private, test.x).argmax(1)
    return Measured(int((found == test.labels.to(found.device)).sum()), len(found))


class PassportExtractor(Extractor):
    """White box. The signature is under a one-time pad, so bits match like fair coins on networks without it."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Signs of gamma0 against the signature.

        Raises:
            Unreadable: the suspect lacks layers of the key.
        """
        key = completed(key, suspect.network)
        if key.values.get("read") == "after":
            raise NotApplicable("this signature is behind the FCN; read it with `passport_aware_after`")
        return compared(read_scales(suspect.network, key), key, chance=0.5)

    def measure(self, suspect: WhiteBox, key: Key, test: Samples) -> Mapping[str, Measured]:  # type: ignore[override]
        """`private_accuracy`, and `random_passport_accuracy`, what it is with passports out of the air.

        Either is the accuracy on the test set of the suspect's convolutions under the key's private norms. With
        triggers (V3) also `trigger_accuracy`, the share of them that the suspect labels as trained.
        """
        key = completed(key, suspect.network)
        rates = {
            "private_accuracy": private_accuracy(suspect.network, key, test),
            "random_passport_accuracy": private_accuracy(suspect.network, redrawn(key), test),
        }
        if "triggers" in key.tensors:
            hits = outputs(suspect.network, key["triggers"]).argmax(1).cpu() == key["labels"].cpu()
            rates["trigger_accuracy"] = Measured(int(hits.sum()), len(hits))
        return rates


class AfterExtractor(PassportExtractor):
    """White box; signs of what the trained FCN makes of gamma0. Only null models tell how those fall elsewhere."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Signs of gamma against the signature; of a key that was embedded.

        Raises:
            NotApplicable: the suspect lacks layers of the key, or the key has no trained FCN.
        """
        if not any(".fcn." in name for name in key.tensors):
            raise NotApplicable("this key has no trained FCN; only a key that was embedded can be read so")
        read_scales(suspect.network, key)
        with torch.no_grad():
            layers = passport_norms(equipped(suspect.network, key), key)
            return compared(torch.cat([layer.affine()[0] for layer in layers]), key, chance=None)


def compared(made: Tensor, key: Key, chance: float | None) -> Evidence:
    """Evidence from scales [T]: a scale of exactly zero reads as 0."""
    bits = (made > 0).cpu()
    text = key.values["text"]
    extras = {"text": unsealed(bits, key["pad"].cpu(), text)} if text else {}
    return Evidence(bits == key["bits"].bool().cpu(), chance=chance, symbol="bit", extras=extras)
