"""The rules: what each operation does to the symbols of the tensors it reads. One module per family of layers.

A third party adds a rule for its own layer with `@register(MyLayer)`; see `Call` for what a rule is given. A rule
returns the labels of the output, mirrored as the output is nested (None for what is no tensor).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from types import FunctionType
from typing import Any, TypeVar

from torch import Tensor, nn

from ownmark_invariance.grouping.book import Book
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Labels
from ownmark_invariance.grouping.parameters import Ref
from ownmark_invariance.grouping.rules.stored import Derived, Kept, Stored


@dataclass(frozen=True)
class Call:
    """One operation of the network: its arguments as values and, mirrored, as labels.

    `again` runs the same operation on another tensor in place of the first argument: layout operations use it to
    see where each element goes. `constant` says of a tensor that neither the input nor a weight has a part in it.
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
    constant: Callable[[Any], bool]
    in_place: bool = False

    def value(self, index: int, name: str, default: Any = None) -> Any:
        """An argument by position or name."""
        if index < len(self.args):
            return self.args[index]
        return self.kwargs.get(name, default)

    def found(self, index: int = 0, name: str = "input") -> Any:
        """What is known of an argument: labels, a stored weight, or such nested as the argument is."""
        return self.arg_labels[index] if index < len(self.arg_labels) else self.kwarg_labels.get(name)

    def label(self, index: int = 0, name: str = "input") -> Any:
        """The labels of an argument, nested as the argument is; None where it is no tensor."""
        found = self.found(index, name)
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

    def ref(self, name: str, index: int) -> Ref | Stored | None:
        """Where a weight lives: an attribute of the module, or an argument of the function (None: absent)."""
        if self.module is not None:
            return Ref(self.module, self.name, name)
        found = self.found(index, name)
        if isinstance(found, Stored):
            return found
        if self.value(index, name) is None:
            return None
        raise Unsupported(f"argument '{name}' is computed, not a parameter")

    def added(self, name: str, index: int) -> Ref | Stored | Labels | None:
        """As `ref`, of what is added to the output; its labels if it is computed (joined out of several biases)."""
        found = None if self.module is not None else self.found(index, name)
        return found if isinstance(found, Labels) else self.ref(name, index)

    def extent(self, value: Tensor) -> tuple[int, ...]:
        """The shape of an operand, lined up with the output; one where a constant has equal values along it."""
        shape = (1,) * (self.out.ndim - value.ndim) + tuple(value.shape)
        if not self.constant(value):
            return shape
        wide = value.reshape(shape)
        same = (s < 2 or bool((wide == wide.narrow(d, 0, 1)).all()) for d, s in enumerate(shape))
        return tuple(1 if one else size for one, size in zip(same, shape, strict=True))


Rule = Callable[[Call], Any]
RULES: dict[Hashable, Rule] = {}
_R = TypeVar("_R", bound=Rule)
DUNDER = {"__rsub__": "rsub", "__rdiv__": "rdiv", "__rtruediv__": "rdiv", "__rpow__": "rpow"}


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


def name_of(func: Any) -> str:
    """The name of a function, a method of tensors or an attribute of theirs (`x.T`)."""
    name = getattr(func, "__name__", str(func))
    return getattr(getattr(func, "__self__", None), "__name__", name) if name == "__get__" else name


def overwrites(func: Any) -> bool:
    """Whether a function changes its first argument (`add_`)."""
    name = name_of(func)
    return (name.endswith("_") and not name.endswith("__")) or name == "__setitem__"


def rule_for_function(func: Any) -> Rule | None:
    """The rule of a function; methods of tensors, and torch's functions of the same names, by name."""
    if (found := RULES.get(func)) is not None:
        return found
    if isinstance(func, FunctionType) and func.__module__ not in (
        "torch",
        "torch.functional",
        "torch._tensor",
    ):
        return None
    name = name_of(func)
    name = DUNDER.get(name, name)
    return RULES.get(name) or (RULES.get(name[:-1]) if overwrites(func) else None)


__all__ = [
    "RULES",
    "Call",
    "Derived",
    "Kept",
    "Rule",
    "Stored",
    "name_of",
    "overwrites",
    "register",
    "rule_for_function",
    "rule_for_module",
]
