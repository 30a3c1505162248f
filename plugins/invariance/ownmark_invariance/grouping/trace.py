"""Walks a network: it runs on the example while every operation is watched, and rules label the values."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from torch import Tensor, nn

from ownmark_invariance.grouping.book import Book, Use
from ownmark_invariance.grouping.errors import CannotTransform, Unsupported
from ownmark_invariance.grouping.flow import Flow, Loose, Unseen
from ownmark_invariance.grouping.labels import Labels, inert
from ownmark_invariance.grouping.parameters import has_foreign_hooks
from ownmark_invariance.grouping.rules import (
    Call,
    Rule,
    Stored,
    arithmetic,
    attention,
    choices,
    layout,
    name_of,
    norms,
    overwrites,
    pointwise,
    recurrent,
    rule_for_function,
    rule_for_module,
    weights,
)
from ownmark_invariance.grouping.values import Known, Values, checked, existing, frozen, leaves, tensors
from ownmark_invariance.grouping.watch import watching

SHIPPED = (arithmetic, attention, choices, layout, norms, pointwise, recurrent, weights)
"""Importing these modules registers their rules."""
WITHOUT_VALUES = frozenset({
    "size", "dim", "ndimension", "numel", "nelement", "stride", "storage_offset", "element_size", "is_floating_point",
    "is_complex", "is_contiguous", "get_device", "type", "is_same_size", "is_signed", "is_inference", "is_conj",
    "is_neg", "is_tensor", "data_ptr", "__len__", "__hash__", "__format__", "__repr__", "has_names", "result_type",
    "is_shared",
    "_has_compatible_shallow_copy_type", "_is_view", "is_pinned", "register_hook", "retain_grad",
})  # fmt: skip
"""Functions that return no tensor and tell nothing of one's values."""
TRUTH = frozenset({"__bool__", "is_nonzero", "equal", "allclose", "__contains__", "_assert"})


def walk(model: nn.Module, example: tuple[Tensor, ...]) -> tuple[Book, dict[str, str]]:
    """All constraints of a network, and the modules whose code is steered by values, with what steers it.

    Raises:
        CannotTransform: it does not run on the example.
    """
    loose: dict[str, str] = {}
    before: list[Tensor] | None = None
    while True:
        walker = Walker(model, loose, before)
        try:
            walker.run(example)
            return walker.book, {path or type(model).__name__: why for path, why in loose.items()}
        except Unseen:
            before = existing()
        except Loose as found:
            if found.path in loose:
                raise CannotTransform(f"{type(model).__name__} cannot be followed: {found.reason}") from None
            loose[found.path] = found.reason


class Walker:
    """Runs the network once for each way its code may take, and keeps for every value its labels."""

    def __init__(self, model: nn.Module, loose: dict[str, str], before: list[Tensor] | None = None) -> None:
        self.model, self.loose, self.before = model, loose, before
        self.book = Book()
        self.flow = Flow()
        self.stack: list[str] = []
        self.values: Values
        self._hooked: set[int] = set()
        self._descended: list[Any] = []
        self._body: Callable[..., Any]

    def run(self, example: tuple[Tensor, ...]) -> None:
        """Walk every way; one that the example does not take may end in an error, as an input would on it."""
        self.values = Values(self.model, self.book, self.before or [])
        while self.flow.waiting:
            turned = self.flow.start()
            self.book.ways = self.flow.planned
            self.stack.clear()
            try:
                self._walk(tuple(x.clone() for x in example))
            except Exception as problem:
                if not turned:
                    name = type(self.model).__name__
                    raise CannotTransform(f"{name} does not run on the example: {problem}") from problem

    def _walk(self, example: tuple[Tensor, ...]) -> None:
        for x in example:
            self.values.enter(Known(x, inert(x.ndim), live=True))
        with watching(self.model, self) as self._body:
            out = self.model(*example)
        self.book.where = "network output"
        for value in tensors(out):
            self._freeze(self._known(value).labels, "network output")

    @property
    def path(self) -> str:
        """The module whose code is running."""
        return self.stack[-1] if self.stack else ""

    def is_leaf(self, module: nn.Module) -> bool:
        """Whether a module is one operation: it has a rule, or hooks change what it does."""
        if has_foreign_hooks(module):
            self._hooked.add(id(module))
        return rule_for_module(module) is not None or id(module) in self._hooked

    def enter(self, path: str, args: Any) -> None:
        """Go into a module; a loose one's own values are frozen, and so is what it hands on."""
        if path in self.loose or (self.stack and self.path in self.loose):
            self._freeze_values(args)
        self.stack.append(path)

    def leave(self, path: str, out: Any) -> None:
        """Come out of it."""
        self.stack.pop()
        if path in self.loose or (self.stack and self.path in self.loose):
            self._freeze_values(out)

    def _freeze_values(self, value: Any) -> None:
        self.book.where = self.path or type(self.model).__name__
        for tensor in tensors(value):
            self._freeze(self._known(tensor).labels, self.loose.get(self.path, "steered by values"))

    def leaf(
        self, path: str, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any
    ) -> None:
        """A module that is one operation."""
        self.book.where = path

        def again(value: Any) -> Any:
            return module.forward(value, *args[1:], **kwargs)

        self._label(lambda: self._module_rule(module), path, module, args, kwargs, out, again)

    def function(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Any other operation."""
        rule = rule_for_function(func)
        asks = any(True for _ in tensors((args, kwargs)))
        if rule is None and asks and self._has_a_body(func):
            self._descended.append(func)
            try:
                return self._body(func, args, kwargs)
            finally:
                self._descended.pop()
        out = func(*args, **kwargs)
        written = name_of(func) in ("__setitem__", "__set__")
        self.book.where = f"{name_of(func)} in '{self.path}'" if self.path else name_of(func)
        if not any(True for _ in tensors(out)) and not written:
            return self._told(func, args, kwargs, out)

        def again(value: Any) -> Any:
            return func(value, *args[1:], **kwargs)

        def lookup() -> Rule:
            if rule is None or kwargs.get("out") is not None:
                raise Unsupported("no rule for this operation")
            return rule

        shown = args[0] if written else out
        self._label(lookup, self.book.where, None, args, kwargs, shown, again, written or overwrites(func))
        return out

    def _has_a_body(self, func: Any) -> bool:
        """Whether a function of torch is written in Python, and not one that calls itself through C."""
        ours = isinstance(func, FunctionType) and f"{func.__module__}.".startswith("torch.")
        return ours and func not in self._descended

    def _told(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Any:
        """An operation that returns no tensor: it may tell the code something about values."""
        name = name_of(func)
        if name in WITHOUT_VALUES or func.__name__ == "__get__" or out is None:
            return out
        asked = [self._known(tensor) for tensor in tensors((args, kwargs))]
        for known in asked:
            if not known.constant:
                self._freeze(known.labels, "its value is read by the network's code")
        if not any(known.live for known in asked) or self.path in self.loose:
            return out
        if name in TRUTH and isinstance(out, bool):
            return self.flow.decide(out, self.path)
        raise Loose(self.path, f"its code reads values of the input ({name})")

    def _known(self, tensor: Tensor) -> Known:
        try:
            return self.values.of(tensor)
        except Unsupported as problem:
            if self.before is None:
                raise Unseen from None
            if self.path not in self.loose:
                raise Loose(self.path, str(problem)) from None
            known = Known(tensor, inert(tensor.ndim), live=True)
            self.values.enter(known)
            return known

    def _label(
        self,
        lookup: Callable[[], Rule],
        name: str,
        module: nn.Module | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        out: Any,
        again: Callable[[Any], Any],
        in_place: bool = False,
    ) -> None:
        read = [self._known(tensor) for tensor in tensors((args, kwargs))]
        live, constant = any(k.live for k in read), all(k.constant for k in read)
        if constant and module is None and not in_place:
            self._keep(out, None, live=False, constant=True)
            return
        labels, extra = self.values.labels(args), self.values.labels(kwargs)
        in_place = in_place or any(out is tensor for tensor in tensors(args[:1]))
        call = Call(
            self.book, name, module, args, kwargs, labels, extra, out, again, self.values.constant, in_place
        )
        found = self._ruled(lookup, call)
        if self.path in self.loose:
            self._freeze((labels, extra, found), self.loose[self.path])
        if in_place:
            self.values.overwritten(args[0], live)
        self._keep(out, found, live, constant=False)

    def _ruled(self, lookup: Callable[[], Rule], call: Call) -> Any:
        """What the rule says of the output; whatever is not understood is frozen."""
        try:
            found = checked(lookup()(call), call.out)
            if call.in_place and isinstance(found, Labels):
                self.book.tie(call.labels(), found)
            return found
        except Unsupported as problem:
            reason = str(problem)
        except Exception as problem:  # a rule that fails must freeze, not guess
            reason = f"rule failed: {type(problem).__name__}: {problem}"
        self._freeze((call.arg_labels, call.kwarg_labels), reason)
        if call.module is not None:
            self._pin(call.module, call.name)
        return frozen(call.out)

    def _keep(self, out: Any, labels: Any, live: bool, constant: bool) -> None:
        if isinstance(out, Tensor):
            known = self.values.made(out) if constant else Known(out, labels, live)
            self.values.enter(known)
        elif isinstance(out, (tuple, list)):
            for index, part in enumerate(out):
                self._keep(part, None if constant else labels[index], live, constant)
        elif isinstance(out, dict):
            for key, part in out.items():
                self._keep(part, None if constant else labels[key], live, constant)

    def _pin(self, module: nn.Module, path: str) -> None:
        """Nothing inside a module that was given up may change, wherever else it is used."""
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            self.book.use(id(tensor), Use(f"{path}.{name}", tuple(tensor.shape), ()))

    def _freeze(self, labels: Any, reason: str) -> None:
        for found in leaves(labels, (Labels, Stored)):
            self.book.freeze(found.labels(self.book) if isinstance(found, Stored) else found, reason)

    def _module_rule(self, module: nn.Module) -> Rule:
        if id(module) in self._hooked:
            raise Unsupported("the module has forward hooks")
        if (found := rule_for_module(module)) is None:
            raise Unsupported(f"no rule for {type(module).__name__}")
        return found
