"""What each party is shown: the owner's task and host, the thief's loot, the verifier's suspect.

Who can reach what is decided here, once, by what a view holds; no method is trusted to look away.
"""

from __future__ import annotations

import copy
import reprlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ownmark.contracts.fit import Recipe, cross_entropy
from ownmark.contracts.samples import Samples, Term, Transform
from ownmark.contracts.tasks import PIXELS, Goal, Inputs
from ownmark.contracts.tasks import Shape as Shape
from ownmark.errors import NotApplicable, UnusableAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ownmark.contracts.key import Key


@contextmanager
def evaluating(network: nn.Module) -> Iterator[nn.Module]:
    """`network` in eval mode without gradients; the former modes come back afterwards."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.no_grad():
            yield network
    finally:
        for module, mode in modes.items():
            module.training = mode


def outputs(network: nn.Module, x: Tensor, batch_size: int = 512) -> Tensor:
    """`network(x)` in eval mode, batch by batch, on the network's device.

    Args:
        x: [N, ...] inputs. Returns: [N, classes] logits, or what else the task's networks give; float32, and whole
            numbers (token ids) as they are.
    """
    device = device_of(network)
    with evaluating(network):
        return torch.cat([_read(network(part.to(device))) for part in torch.split(x, batch_size)])


def _read(answer: Tensor) -> Tensor:
    return answer.float() if answer.is_floating_point() else answer


def predictions(network: nn.Module, x: Tensor) -> Tensor:
    """Predicted classes [N]."""
    return outputs(network, x).argmax(1)


def device_of(network: nn.Module) -> torch.device:
    """Where the network's parameters are; the CPU for a network without any."""
    parameter = next(network.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device


@contextmanager
def seeded(rng: torch.Generator) -> Iterator[None]:
    """Seed torch's global generator from `rng` for the block, for library code (`nn.init`, dropout) that knows no
    other, and put its former state back."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(int(torch.randint(2**62, (), generator=rng, device=rng.device)))
        yield


@dataclass(frozen=True)
class Task:
    """What the owner wants the network to learn.

    Args:
        name: dataset and host, as the report prints it.
        shape: of one input; of a generator's outputs. classes: number of labels, or of token ids in captions.
        owner: the owner's labelled training data. The test set is not reachable from here.
        unseen: labelled images of the owner that neither the host nor a null model was trained on; None for a scheme
            that does not declare `Need.UNSEEN`.
        inputs: what the data are, pixels mostly. goal: what the network makes of them.
    """

    name: str
    shape: Shape
    classes: int
    owner: Samples
    unseen: Samples | None = None
    inputs: Inputs = PIXELS
    goal: Goal = Goal.CLASSIFICATION

    def bare(self) -> Task:
        """The same task without an image, as `Scheme.check` may be asked."""
        unseen = None if self.unseen is None else self.unseen.first(0)
        return replace(self, owner=self.owner.first(0), unseen=unseen)


@dataclass(frozen=True)
class HostView:
    """The owner's unmarked network, with the recipe that trains it.

    Args:
        trained: gives a fresh copy of the trained network. blank: gives a newly initialised one.
        recipe, terms, transforms: what trained it, for schemes that embed from scratch.
    """

    trained: Callable[[], nn.Module]
    blank: Callable[[torch.Generator], nn.Module]
    recipe: Recipe
    terms: Sequence[Term]
    transforms: Sequence[Transform] = ()


@dataclass(frozen=True)
class Marked:
    """What embedding gives: the network to release, and the key completed by what was born on the way.

    `exhibits` are pictures and figures for the report (`[N, C, H, W]` in [0, 1], numbers, text).
    """

    network: nn.Module
    key: Key
    exhibits: Mapping[str, Tensor | float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stolen:
    """All that a thief has. No key, no scheme, no test set.

    Args:
        network: a private copy of the marked network, free to change. An attacker with query access does not hold it:
            looking at it, calling it or copying it raises `NotApplicable`.
        shape, classes: of the task.
        data: in-distribution images, with true labels only if the plan grants labels; None if it grants no data.
        transfer: unlabelled images of another dataset in the task's shape; None if the plan grants none.
        others: further marked copies of the same host, each with a key of its own, for colluding thieves.
        queried: the black box of an attacker with query access, with the plan's budget; None with weights.
        inputs, goal: of the task. terms: loss terms by which a network of the task is trained, which is no secret.
    """

    network: nn.Module
    shape: Shape
    classes: int
    data: Samples | None = None
    transfer: Samples | None = None
    others: tuple[nn.Module, ...] = ()
    queried: BlackBox | None = None
    inputs: Inputs = PIXELS
    goal: Goal = Goal.CLASSIFICATION
    terms: Sequence[Term] = (cross_entropy,)

    @property
    def box(self) -> BlackBox:
        """What answers queries: the owner's service, counted and limited, or without limit the stolen network."""
        return black_box(self.network, goal=self.goal) if self.queried is None else self.queried

    def copy(self) -> nn.Module:
        """Another copy of the stolen network.

        Raises:
            NotApplicable: this attacker has answers only.
        """
        return copy.deepcopy(self.network)

    def images(self) -> Samples:
        """Labelled data if granted, else the transfer set with the stolen network's own predictions as labels.

        Raises:
            NotApplicable: the plan grants no images at all, or fewer queries than there are images.
        """
        samples = self.data if self.data is not None else self.transfer
        if samples is None:
            raise NotApplicable("this attack needs images, and the plan's attacker is granted none")
        if samples.y is not None:
            return samples
        return samples.labelled(self.box.predict(samples.x))


@dataclass(frozen=True)
class Suspect:
    """What an attack leaves behind: the network, and exhibits for the report.

    An attack that cannot change every weight says so in the exhibit `reach`, the share in [0, 1] that it could change:
    a mark that survives it with less than 0.9 is shown as such.
    """

    network: nn.Module
    exhibits: Mapping[str, Tensor | float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class WhiteBox:
    """A suspect whose weights the verifier holds."""

    network: nn.Module


class BlackBox:
    """A suspect that only answers queries; it has no parameters, and counts what it is asked.

    Args:
        answer: inputs [N, ...] -> labels [N] or class probabilities [N, classes]; tensors, arrays or nested lists. Of
            another goal than classification: what such networks give.
        budget: most queries that may be spent; None for no limit.
        classes: labels that there are, for checking the answers; None where that is not known.
        goal: what it answers with.
    """

    def __init__(
        self,
        answer: Callable[[Tensor], Any],
        budget: int | None = None,
        classes: int | None = None,
        goal: Goal = Goal.CLASSIFICATION,
    ) -> None:
        self._answer = answer
        self.budget = budget
        self.classes = classes
        self.goal = goal
        self.queries = 0

    def answers(self, x: Tensor) -> Tensor:
        """What it makes of inputs [N, ...]: labels or probabilities, images of a generator, token ids of texts.

        Raises:
            NotApplicable: the query budget does not allow N more queries.
            UnusableAnswer: what came back are no N answers.
        """
        return self._ask(x)

    def predict(self, x: Tensor) -> Tensor:
        """Predicted labels [N], int64.

        Raises:
            NotApplicable: the query budget does not allow N more queries, or this suspect classifies nothing.
            UnusableAnswer: what came back are no N answers.
        """
        answer = self._classified(x)
        return answer.argmax(1) if answer.ndim == 2 else answer.long()

    def probabilities(self, x: Tensor) -> Tensor:
        """Class probabilities [N, classes].

        Raises:
            NotApplicable: the suspect answers with labels only, or classifies nothing, or the budget is spent.
            UnusableAnswer: what came back are no N answers.
        """
        answer = self._classified(x)
        if answer.ndim != 2:
            raise NotApplicable("this suspect answers with labels only; the extractor needs probabilities")
        return answer

    def _classified(self, x: Tensor) -> Tensor:
        if self.goal is not Goal.CLASSIFICATION:
            raise NotApplicable(
                f"this suspect's task is {self.goal}; it answers with no labels (ask for `answers`)"
            )
        return self._ask(x)

    def _ask(self, x: Tensor) -> Tensor:
        if self.budget is not None and self.queries + len(x) > self.budget:
            raise NotApplicable(f"{self.queries + len(x)} queries needed, the budget is {self.budget}")
        self.queries += len(x)
        answer = self._answer(x)
        if self.goal is not Goal.CLASSIFICATION:
            return made_of(answer, len(x), self.goal)
        return checked_answers(answer, len(x), self.classes)


def made_of(answer: Any, count: int, goal: Goal) -> Tensor:
    """What a network of another goal than classification made of `count` inputs: images [N, ...], token ids [N, L].

    Raises:
        UnusableAnswer: something else, or values that are no numbers.
    """
    try:
        found = answer if isinstance(answer, Tensor) else torch.as_tensor(answer)
    except Exception as error:  # whatever a stranger's function may give
        raise UnusableAnswer(f"expected what comes of {goal}, got {_shortened(answer)}") from error
    if found.ndim < 2 or len(found) != count or found.is_complex() or found.dtype == torch.bool:
        raise UnusableAnswer(
            f"{count} questions were asked, the answer is {found.dtype} {tuple(found.shape)}"
        )
    if not bool(torch.isfinite(found).all()):
        raise UnusableAnswer("the answer holds values that are no numbers (nan or infinite)")
    return found


def checked_answers(answer: Any, count: int, classes: int | None) -> Tensor:
    """The answers to `count` images as a tensor: labels [count], or probabilities or logits [count, classes].

    A suspect may be broken, or may not want to be recognised: nothing that cannot be an answer becomes evidence.

    Raises:
        UnusableAnswer: another shape, a value that is no number, a label that there is not.
    """
    try:
        return _checked_answers(answer, count, classes)
    except UnusableAnswer:
        raise
    except Exception as error:  # types and values that torch has no operation for; there is no end of them
        raise UnusableAnswer(
            f"expected labels or probabilities, got {_shortened(answer)} ({type(error).__name__})"
        ) from error


def _checked_answers(answer: Any, count: int, classes: int | None) -> Tensor:
    try:
        found = answer if isinstance(answer, Tensor) else torch.as_tensor(answer)
    except (TypeError, ValueError, RuntimeError, OverflowError, RecursionError) as error:
        raise UnusableAnswer(f"expected labels or probabilities, got {_shortened(answer)}") from error
    if found.dtype == torch.bool:
        raise UnusableAnswer("the answer is true and false; expected labels or probabilities")
    width = found.shape[1] if found.ndim == 2 else None
    if found.ndim not in (1, 2) or len(found) != count or width in (0, 1):
        raise UnusableAnswer(
            f"{count} images were asked about, the answer has shape {tuple(found.shape)}; expected labels "
            f"[{count}] or probabilities [{count}, classes]"
        )
    if found.is_complex() or not bool(torch.isfinite(found).all()):
        raise UnusableAnswer("the answer holds values that are no numbers (nan or infinite)")
    if width is not None:
        if classes is not None and width != classes:
            raise UnusableAnswer(f"the answer has {width} classes, the task has {classes}")
        return found
    if bool((found != found.round()).any()) or bool((found < 0).any()):
        raise UnusableAnswer(
            "the answer is a list of numbers that are no labels; send labels or one row an image"
        )
    if classes is not None and bool((found >= classes).any()):
        raise UnusableAnswer(
            f"the answer holds label {int(found.max())}, the task has labels 0 to {classes - 1}"
        )
    return found


def _shortened(value: object, most: int = 80) -> str:
    try:
        text = reprlib.repr(value)
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= most else text[:most] + " ..."


def black_box(
    network: nn.Module,
    budget: int | None = None,
    labels_only: bool = False,
    goal: Goal = Goal.CLASSIFICATION,
) -> BlackBox:
    """A black box that answers with the network's class probabilities, or labels only, and hides the rest.

    Of another goal than classification the answers are what the network makes.
    """
    if goal is not Goal.CLASSIFICATION:
        return BlackBox(lambda x: outputs(network, x), budget, goal=goal)
    if labels_only:
        return BlackBox(lambda x: predictions(network, x), budget)
    return BlackBox(lambda x: outputs(network, x).softmax(1), budget)
