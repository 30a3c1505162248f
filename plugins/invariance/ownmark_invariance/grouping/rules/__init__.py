"""The rules: what each operation does to the symbols of the tensors it reads. One module per family of layers.

A third party adds a rule for its own layer with `@register(MyLayer)`; see `Call` for what a rule is given. A rule
returns the labels of the output, mirrored as the output is nested (None for what is no tensor).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import Tensor, nn

from ownmark_invariance.grouping.book import Book
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Labels, inert, produced
from ownmark_invariance.grouping.parameters import Ref, record

MAX_ELEMENTS = 1 << 21
"""Parameters used as plain tensors are labelled element by element, up to this many elements."""


class Stored:
    """A parameter read as a tensor (`self.scale * x`): labelled element by element when a rule asks for it."""

    def __init__(self, ref: Ref) -> None:
        self.ref = ref
        self._labels: Labels | None = None

    def labels(self, book: Book) -> Labels:
        """Fresh symbols for every element; the parameter is recorded with them."""
        if self._labels is None:
            shape = tuple(self.ref.tensor.shape) if self.ref.tensor is not None else ()
            small = self.ref.tensor is not None and self.ref.tensor.numel() <= MAX_ELEMENTS
            self._labels = book.fresh(shape) if small else inert(len(shape))
            record(book, self.ref, [produced(self._labels, lambda a: a)])
        return self._labels


@dataclass(frozen=True)
class Call:
    """One operation of the network: its arguments as values and, mirrored, as labels.

    `again` runs the same operation on another tensor in place of the first argument: layout operations use it to
    see where each element goes.
    """

    book: Book
    name: str
    module: nn.Module | None
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    arg_labels: tuple[Any, ...]
    kwarg_labels: dict[str, Any]
    out: Any
    again: Callable[[Any], Any]

    def value(self, index: int, name: str, default: Any = None) -> Any:
        """An argument by position or name."""
        if index < len(self.args):
            return self.args[index]
        return self.kwargs.get(name, default)

    def label(self, index: int = 0, name: str = "input") -> Any:
        """The labels of an argument, nested as the argument is; None where it is no tensor."""
        found = self.arg_labels[index] if index < len(self.arg_labels) else self.kwarg_labels.get(name)
        return found.labels(self.book) if isinstance(found, Stored) else found

    def labels(self, index: int = 0, name: str = "input") -> Labels:
        """The labels of a tensor argument; gives the operation up if there is none."""
        found = self.label(index, name)
        if not isinstance(found, Labels):
            raise Unsupported(f"argument '{name}' is not a tensor the engine follows")
        return found

    def tensor(self, index: int = 0, name: str = "input") -> Tensor:
        """The value of a tensor argument."""
        found = self.value(index, name)
        if not isinstance(found, Tensor):
            raise Unsupported(f"argument '{name}' is not a tensor")
        return found

    def ref(self, name: str, index: int) -> Ref | None:
        """Where a parameter lives: an attribute of the module, or an argument of the function (None: absent)."""
        if self.module is not None:
            return Ref(self.module, self.name, name)
        found = self.arg_labels[index] if index < len(self.arg_labels) else self.kwarg_labels.get(name)
        if isinstance(found, Stored):
            return found.ref
        if self.value(index, name) is None:
            return None
        raise Unsupported(f"argument '{name}' is computed, not a parameter")


Rule = Callable[[Call], Any]
RULES: dict[Hashable, Rule] = {}
_R = TypeVar("_R", bound=Rule)


def register(*targets: Hashable) -> Callable[[_R], _R]:
    """Enter a rule for module types, functions, and methods of tensors (by name)."""

    def enter(rule: _R) -> _R:
        for target in targets:
            RULES[target] = rule
        return rule

    return enter


def rule_for_module(module: nn.Module) -> Rule | None:
    """The rule of the nearest base class whose `forward` this module runs unchanged."""
    if "forward" in module.__dict__:
        return None
    for base in type(module).__mro__:
        if base in RULES and type(module).forward is base.forward:  # type: ignore[attr-defined]
            return RULES[base]
    return None
