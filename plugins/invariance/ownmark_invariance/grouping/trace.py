"""Walks a network: torch.fx gives the operations, an interpreter runs them and asks each rule for its labels."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, fx, nn

from ownmark_invariance.grouping.book import Book, Use
from ownmark_invariance.grouping.errors import CannotTransform, Unsupported
from ownmark_invariance.grouping.labels import Labels, inert
from ownmark_invariance.grouping.parameters import Ref, has_foreign_hooks
from ownmark_invariance.grouping.rules import (
    RULES,
    Call,
    Rule,
    Stored,
    arithmetic,
    attention,
    layout,
    norms,
    pointwise,
    recurrent,
    rule_for_module,
    weights,
)

SHIPPED = (arithmetic, attention, layout, norms, pointwise, recurrent, weights)
"""Importing these modules registers their rules."""
TRACED = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
"""Modules of torch that are made of others, which have rules."""


class Tracer(fx.Tracer):
    """Symbolic trace that stops at every module with a rule, and at those that could not be traced."""

    def __init__(self, opaque: set[str]) -> None:
        super().__init__()
        self.opaque = opaque
        self.stack: list[str] = []

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Modules with a rule are leaves; so are torch's own without one (they freeze what they touch)."""
        if rule_for_module(m) is not None or module_qualified_name in self.opaque or has_foreign_hooks(m):
            return True
        return not isinstance(m, TRACED) and super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """As in fx, remembering where we are for error messages."""
        self.stack.append(self.path_of_module(m))
        result = super().call_module(m, forward, args, kwargs)
        self.stack.pop()
        return result


def trace(model: nn.Module) -> tuple[fx.Graph, dict[str, str]]:
    """The graph, and the sub-modules that had to be left opaque with the reason.

    torch's fast path for transformers asks for values that a symbolic trace has not; it is off meanwhile.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        return _trace(model)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _trace(model: nn.Module) -> tuple[fx.Graph, dict[str, str]]:
    opaque: dict[str, str] = {}
    while True:
        tracer = Tracer(set(opaque))
        try:
            return tracer.trace(model), opaque
        except Exception as problem:  # fx raises what the model's own code raises
            if not tracer.stack or tracer.stack[-1] in opaque:
                name = type(model).__name__
                raise CannotTransform(f"{name} cannot be traced: {problem}") from problem
            opaque[tracer.stack[-1]] = str(problem).partition("\n")[0]


class Walker(fx.Interpreter):
    """Runs the graph once on the example and keeps, for every node, the labels of its value."""

    def __init__(self, model: nn.Module, graph: fx.Graph, opaque: dict[str, str]) -> None:
        super().__init__(fx.GraphModule(model, graph))
        self.model = model
        self.opaque = opaque
        self.book = Book()
        self.found: dict[fx.Node, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        """Run one operation, then label its value."""
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        out = getattr(self, n.op)(n.target, args, kwargs)
        self.book.where = where(n)
        self.found[n] = self._label(n, args, kwargs, out)
        return out

    def _label(self, node: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Any:
        if node.op == "placeholder":
            return frozen(out)
        if node.op == "get_attr":
            return self._attribute(str(node.target), out)
        labels = fx.node.map_arg((node.args, node.kwargs), lambda n: self.found[n])
        if node.op == "output":
            self._freeze(labels, "network output")
            return None
        if not any(True for _ in leaves(out, Tensor)):
            return None
        call = self._call(node, args, kwargs, labels, out)
        try:
            result = checked(self._rule(node)(call), out)
            if in_place(node) and isinstance(result, Labels):
                self.book.tie(call.labels(), result)
            return result
        except Unsupported as problem:
            self._freeze(labels, str(problem))
        except Exception as problem:  # a rule that fails must freeze, not guess
            self._freeze(labels, f"rule failed: {type(problem).__name__}: {problem}")
        if call.module is not None:
            self._pin(call.module, call.name)
        return frozen(out)

    def _call(
        self, node: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any], labels: Any, out: Any
    ) -> Call:
        def again(value: Any) -> Any:
            return getattr(self, node.op)(node.target, (value, *args[1:]), kwargs)

        module = self.model.get_submodule(str(node.target)) if node.op == "call_module" else None
        name = str(node.target) if module is not None else self.book.where
        return Call(self.book, name, module, args, kwargs, labels[0], labels[1], out, again)

    def _rule(self, node: fx.Node) -> Rule:
        if node.op != "call_module":
            if (rule := RULES.get(node.target)) is None:
                raise Unsupported("no rule for this operation")
            return rule
        name = str(node.target)
        module = self.model.get_submodule(name)
        if name in self.opaque:
            raise Unsupported(f"could not be traced: {self.opaque[name]}")
        if has_foreign_hooks(module):
            raise Unsupported("the module has forward hooks")
        if (found := rule_for_module(module)) is None:
            raise Unsupported(f"no rule for {type(module).__name__}")
        return found

    def _attribute(self, target: str, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return None
        path, _, name = target.rpartition(".")
        owner = self.model.get_submodule(path)
        if value.is_floating_point() and name in owner._parameters:
            return Stored(Ref(owner, path, name))
        if name not in owner._buffers and bool((value == 0).all()):
            return arithmetic.zeros(self.book, value)
        return frozen(value)

    def _pin(self, module: nn.Module, path: str) -> None:
        """Nothing inside a module that was given up may change, wherever else it is used."""
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            self.book.use(id(tensor), Use(f"{path}.{name}", tuple(tensor.shape), ()))

    def _freeze(self, labels: Any, reason: str) -> None:
        for found in leaves(labels, (Labels, Stored)):
            self.book.freeze(found.labels(self.book) if isinstance(found, Stored) else found, reason)


def where(node: fx.Node) -> str:
    """What to call a node in reasons: the module itself, or the function and the module it is called in."""
    if node.op == "call_module":
        return str(node.target)
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return f"{name} in '{stack[-1][0]}'" if stack and stack[-1][0] else str(name)


def in_place(node: fx.Node) -> bool:
    """Whether the operation overwrites its first argument, which then is the result under another name."""
    if isinstance(node.target, str):
        return node.op == "call_method" and node.target.endswith("_") and not node.target.endswith("__")
    return node.target in (operator.iadd, operator.isub, operator.imul, operator.itruediv)


def leaves(value: Any, kind: Any) -> Iterator[Any]:
    """Everything of a kind inside nested tuples, lists and dicts."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from leaves(part, kind)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from leaves(part, kind)


def frozen(value: Any) -> Any:
    """Labels for a value that must not change, nested as the value is."""
    if isinstance(value, Tensor):
        return inert(value.ndim)
    if isinstance(value, (tuple, list)):
        return tuple(frozen(part) for part in value)
    if isinstance(value, dict):
        return {key: frozen(part) for key, part in value.items()}
    return None


def checked(labels: Any, value: Any) -> Any:
    """Labels as a rule returned them, if they fit the value (a wrong rule must not go unnoticed)."""
    if isinstance(value, Tensor):
        fits = isinstance(labels, Labels) and len(labels.shape) == value.ndim
        fits = fits and all(s in (1, v) for s, v in zip(labels.shape, value.shape, strict=True))
        if not fits:
            raise Unsupported("its rule returned labels of another shape")
    elif isinstance(value, (tuple, list)):
        if len(labels) != len(value):
            raise Unsupported("its rule returned labels of another structure")
        return tuple(checked(part, v) for part, v in zip(labels, value, strict=True))
    return labels
