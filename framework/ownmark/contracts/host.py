"""Hosts: networks with the recipe that trains them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts.fit import Recipe, smoothed_cross_entropy
from ownmark.contracts.samples import Samples, Term, Transform
from ownmark.contracts.tasks import Form, Goal, Inputs, Shape
from ownmark.errors import NotApplicable


class Host(ABC):
    """Builds networks and says how they are trained.

    Args:
        config: the declaration's parameter class; most have a `recipe` field that a plan can change in part.
    """

    utility: str = "accuracy"
    """Id of the metric that says whether the network is still worth stealing."""

    takes: Form = Form.PIXELS
    """Of what form the data are that it learns from."""
    goal: Goal = Goal.CLASSIFICATION
    """What its networks are for; `Goal` says what they take and answer."""

    def __init__(self, config: Any = None) -> None:
        self.config = config

    def check(self, inputs: Inputs, shape: Shape, classes: int) -> None:
        """Say before anything is built that such data are not for it; form and goal the core has looked at.

        Raises:
            NotApplicable: a vocabulary that is larger than the network's, a text that is too long ...
        """
        return None

    @abstractmethod
    def build(self, shape: Shape, classes: int) -> nn.Module:
        """A newly initialised network that takes pixels in [0, 1] of `shape` and normalises them itself.

        Of other forms `shape` has as many sizes as an input has. A generator gives what has that shape; methods that
        run a network to study it find its inputs in an `example_input_array` [2, Z], as Lightning's modules have one.

        Initialise through torch's own defaults: the core seeds them around this call.

        Raises:
            NotApplicable: the input is too small, or of the wrong kind.
        """

    def ready(self, network: nn.Module, which: str) -> bool:
        """Give `network`, one of `build`, weights that exist already; False if it has to be trained.

        Args:
            which: `"seed 0"` for the owner's network of a plan's seed, `"null 3"` for an independent one.

        Raises:
            NotApplicable: it can be had neither way.
        """
        return False

    def fingerprint(self, which: str) -> str:
        """Changes when the weights that `ready` gives change; empty where it gives none."""
        return ""

    def bare(self, network: nn.Module) -> nn.Module:
        """The network as its owner knows it, under whose names weights are released; `network` itself, or a part."""
        return network

    def around(self, bare: nn.Module) -> nn.Module:
        """The opposite of `bare`: a network that takes pixels, of one that takes what `bare` does."""
        return bare

    def questions(self, test: Samples, rng: torch.Generator) -> Tensor:
        """What its networks are asked when they are judged, [N, ...]: the test set's inputs; a generator draws latents.

        Raises:
            NotApplicable: for a host of generators that does not say.
        """
        if self.goal is Goal.GENERATION:
            raise NotApplicable(
                f"{type(self).__name__} says not what its generators are asked; write `questions`"
            )
        return test.x

    def renamed(self, bare: nn.Module, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Weights of a file under the names of `bare`, where its library writes others; else as they are."""
        return state

    @property
    def recipe(self) -> Recipe:
        """How it is trained: the `recipe` field of the parameters.

        Raises:
            TypeError: they have none, and the host does not say otherwise.
        """
        recipe = getattr(self.config, "recipe", None)
        if not isinstance(recipe, Recipe):
            raise TypeError(
                "its parameters have no `recipe`; give them one (a Recipe), or override `Host.recipe`"
            )
        return recipe

    def terms(self) -> Sequence[Term]:
        """Loss terms of the task."""
        return (smoothed_cross_entropy(self.recipe.label_smoothing),)

    def transforms(self) -> Sequence[Transform]:
        """Batch transforms of the task, beyond the recipe's augmentation."""
        return ()
