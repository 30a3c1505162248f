"""Attacks with one fault each; most are variants of `fake-scale`."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from tests.testing.broken import FAKES, attack
from torch import Tensor, nn

from ownmark.contracts import Attack, Fit, Recipe, Stolen, Suspect
from ownmark.errors import NotApplicable
from ownmark.loops import Fitter
from ownmark.methods import Need
from ownmark.testing.fakes import Echo

DATA, LABELS = frozenset({Need.DATA}), frozenset({Need.DATA, Need.LABELS})


class Picky(Echo):
    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        raise NotApplicable("no host is good enough")


class Crashing(Echo):
    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        next(iter(network.parameters()))


class Vandal(Echo):
    """Finds the original in its caller's frame and edits it there."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        for frame in inspect.stack():
            victim = frame.frame.f_locals.get("victim")
            if isinstance(victim, nn.Module):
                next(victim.parameters()).data.zero_()
        return Suspect(stolen.network)


class ImageEater(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        stolen.images().x.zero_()
        return Suspect(stolen.network)


class Seeder(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        torch.manual_seed(0)
        return Suspect(stolen.network)


class Unrepeatable(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        for parameter in stolen.network.parameters():
            parameter.data += 1e-3 * torch.rand(())
        return Suspect(stolen.network)


class Accumulating(Echo):
    """Edits what it returned the last time."""

    last: nn.Module | None = None

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        self.last = self.last or stolen.network
        next(self.last.parameters()).data.mul_(1.5)
        return Suspect(self.last)


class Destroyer(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        next(stolen.network.parameters()).data.fill_(float("nan"))
        return Suspect(stolen.network)


class Hooked(Echo):
    """Puts its transform into the network, where a state dict does not see it."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        stolen.network.register_forward_hook(lambda module, x, y: y + 1)
        return Suspect(stolen.network)


class _Noisy(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x + 0.1 * torch.rand_like(x))


class NoisyServer(Echo):
    def serve(self, network: nn.Module, rng: torch.Generator) -> nn.Module:
        return _Noisy(network)


class Headless(Echo):
    def serve(self, network: nn.Module, rng: torch.Generator) -> nn.Module:
        return nn.Flatten()


class Restless(Attack):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        next(stolen.network.parameters()).data.mul_(1.01)
        return Suspect(stolen.network)


class Demanding(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        stolen.images()
        return Suspect(stolen.network)


class Labeller(Echo):
    """Fails on missing labels in its own way."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        assert stolen.images() is not None
        if stolen.data is None or stolen.data.y is None:
            raise ValueError("where are the labels?")
        return Suspect(stolen.network)


class Peeker(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        getattr(stolen, "key", None)
        return Suspect(stolen.network)


class Scribbler(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        with tempfile.TemporaryFile() as file:
            file.write(b"note to self")
        return Suspect(stolen.network)


class OwnLoop(Echo):
    """A second training loop."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        samples = stolen.images()
        optimizer = torch.optim.SGD(stolen.network.parameters(), 0.01)
        F.cross_entropy(stolen.network(samples.x), samples.labels).backward()
        optimizer.step()
        return Suspect(stolen.network)


class OwnFitter(Echo):
    """A fitter whose samples nobody counts."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        return Suspect(Fitter(torch.device("cpu"), rng)(stolen.network, stolen.images(), Recipe(epochs=1)))


class Outdated(Echo):
    """Declares today's contracts and restores as those of version 1 did."""

    def restore(self, network: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:  # type: ignore[override]
        network.load_state_dict(dict(state))
        return network


attack("method-is-written-for-todays-contracts", "restore(self, network, state, shape=", Outdated, api=2)
attack("attack-judges-hosts", "refuses the kit's host", Picky)
attack("attack-judges-hosts", "StopIteration", Crashing)
attack("attack-leaves-victim-untouched", "the victim", Vandal)
attack("attack-leaves-victim-untouched", "its images", ImageEater, needs=DATA)
attack("attack-leaves-the-surroundings-alone", "torch's random generator", Seeder)
attack("attack-repeats-itself", "two suspects", Unrepeatable)
attack("attack-repeats-itself", "two suspects", Accumulating)
attack("attack-suspect-is-sound", "not finite", Destroyer)
attack("attack-suspect-restores", "answers otherwise", Hooked)
attack("attack-serves-predictions", "differ for one seed", NoisyServer)
attack("attack-serves-predictions", "serve answers [200, 64]", Headless)
attack("attack-idle-is-the-identity", "changes the weights", Restless, config=f"{FAKES}:ScaleConfig",
       idle={"amount": 0})  # fmt: skip
attack("attack-idle-is-the-identity", "serves other answers", NoisyServer, config=f"{FAKES}:ScaleConfig",
       idle={"amount": 0})  # fmt: skip
attack("attack-works-with-what-it-needs", "fails with no images", Demanding)
attack("attack-refuses-to-work-without-images", "drop one", Echo, needs=DATA)
attack("attack-refuses-to-work-without-labels", "raises ValueError", Labeller, needs=LABELS)
attack("attack-asks-only-for-its-loot", "key", Peeker)
attack("attack-opens-no-files", "opens", Scribbler)
attack("attack-trains-through-fit", "optimiser of its own", OwnLoop, needs=DATA)
attack("attack-trains-through-fit", "optimiser of its own", OwnFitter, needs=DATA)
