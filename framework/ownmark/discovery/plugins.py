"""Load entry points one by one, register them with pluggy, and ask each its hooks.

pluggy's own loader stops at the first broken plugin without naming it, drops the second of two plugins of one
name, and passes over misspelt hooks; here each becomes a `Problem` of its source and the rest goes on.
"""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import pluggy

from ownmark import hookspecs
from ownmark.discovery.checks import faults, missing_imports
from ownmark.discovery.guard import SECONDS, TookTooLong, Watched, watched
from ownmark.discovery.index import Source
from ownmark.discovery.problems import Problem
from ownmark.discovery.requirements import core_conflict
from ownmark.foreign import shown
from ownmark.methods import Declaration, Kind, install_hint
from ownmark.version import __version__

MOST = 1000
"""Declarations that one hook may return."""
KINDS: Mapping[str, Kind] = {f"ownmark_{kind}s": kind for kind in Kind}
"""Hook -> kind of the declarations it returns."""
OBSERVER = "ownmark_record"


@dataclass(frozen=True)
class Observer:
    """A pack's implementation of `ownmark_record`."""

    source: Source
    call: Callable[..., Any]


@dataclass(frozen=True)
class Harvest:
    """Everything the plugins brought."""

    methods: tuple[Declaration, ...]
    problems: tuple[Problem, ...]
    observers: tuple[Observer, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    """What importing and asking each distribution took."""


@dataclass
class _Basket:
    """What has been gathered so far."""

    manager: pluggy.PluginManager
    methods: dict[tuple[str, Kind, str], Declaration] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def harvest(sources: Iterable[Source]) -> Harvest:
    """Load `sources` and collect their declarations, observers and problems."""
    basket = _Basket(pluggy.PluginManager(hookspecs.GROUP))
    basket.manager.add_hookspecs(hookspecs)
    plugins = [(source, _loaded(source, basket)) for source in sources]
    observers = []
    for source, plugin in plugins:
        if plugin is None:
            continue
        hooks = _hooks_of(basket.manager, plugin)
        for hook in sorted(hooks & KINDS.keys()):
            _gather(source, hook, _caller(basket.manager, hook, plugin), basket)
        if OBSERVER in hooks:
            observers.append(Observer(source, _caller(basket.manager, OBSERVER, plugin)))
    methods, problems = tuple(basket.methods.values()), tuple(basket.problems)
    return Harvest(methods, problems, tuple(observers), dict(basket.seconds))


def _loaded(source: Source, basket: _Basket) -> Any:
    """Import and register one plugin; None, and a problem, if that fails."""
    conflict = core_conflict(source.requires, __version__)
    if conflict is not None:
        message = (
            f"requires {conflict}, and this is ownmark {__version__}; it was not loaded. "
            f"pip install -U ownmark, or a version of {source.distribution} made for this one"
        )
        basket.problems.append(source.problem(message))
        return None
    seen = _watch(source, source.entry.load, basket)
    if seen.error is not None:
        basket.problems.append(source.problem(_import_failure(source, seen.error)))
        return None
    plugin = seen.value
    try:
        hash(plugin)  # subset_hook_caller keeps plugins in a set
        if basket.manager.register(plugin, f"{source.distribution}:{source.name}") is None:
            raise TypeError("the entry point names None")
        basket.problems.extend(source.problem(message) for message in _misfits(basket.manager, plugin))
    except Exception as error:
        basket.problems.append(source.problem(_registration_failure(basket.manager, plugin, error)))
        return None
    return plugin


def _watch(source: Source, call: Callable[[], Any], basket: _Basket) -> Watched:
    """Run code of a pack; what it does beside its task is a problem, and costs no method."""
    seen = watched(
        f"{source.distribution} {source.version}; OWNMARK_DISABLE={source.distribution} skips it", call
    )
    basket.seconds[source.distribution] += seen.seconds
    if seen.printed.strip():
        first = shown(seen.printed.strip().splitlines()[0], 60)
        message = f"prints while it is loaded ({first!r}). Nothing of it is shown; remove the print"
        basket.problems.append(source.problem(message, lost=False))
    if seen.changed:
        message = f"changes {', '.join(seen.changed)} while it is loaded, which was put back. Leave that to the user"
        basket.problems.append(source.problem(message, lost=False))
    return seen


def _import_failure(source: Source, error: BaseException) -> str:
    what = f"cannot import {source.entry.value!r} ({type(error).__name__}: {shown(error, 300)})"
    if isinstance(error, TookTooLong):
        return f"{what}. Skip it with OWNMARK_DISABLE={source.distribution}, or allow more with {SECONDS}=60"
    if _foreign(source, error):
        return f"{what}. {_advice(source, error)}"
    if isinstance(error, ModuleNotFoundError) and error.name and source.entry.value.startswith(error.name):
        advice = (
            "Let the entry point in pyproject.toml name the module with the hooks, and install the pack again"
        )
        return f"{what}. {advice}, or skip it with OWNMARK_DISABLE={source.distribution}"
    return f"{what}. Reinstall or mend the pack, or skip it with OWNMARK_DISABLE={source.distribution}"


def _registration_failure(manager: pluggy.PluginManager, plugin: Any, error: Exception) -> str:
    if isinstance(error, pluggy.PluginValidationError):
        reason = " ".join(str(error).split())
        return f"{reason}. Give the function the arguments it has in ownmark.hookspecs, or fewer"
    if manager.is_registered(plugin):
        return f"names the same module as the entry point {manager.get_name(plugin)!r}. Remove one of the two"
    return f"cannot be registered ({type(error).__name__}: {error}). Name a module with hook implementations"


def _misfits(manager: pluggy.PluginManager, plugin: Any) -> Iterator[str]:
    """Functions that look like hooks and are none: pluggy ignores them without a word."""
    implemented = _hooks_of(manager, plugin)
    known = [*KINDS, OBSERVER]
    for hook in sorted(implemented - set(known)):
        near = get_close_matches(hook, known, 1)
        yield f"{hook!r} is no hook" + (
            f"; did you mean {near[0]!r}?" if near else f". The hooks are {', '.join(known)}"
        )
    bare = [name for name in dir(plugin) if name.startswith("ownmark_") and name not in implemented]
    bare = [name for name in bare if _is_unmarked_function(manager, plugin, name)]
    for name in bare:
        yield f"{name!r} is not marked as a hook. Put @hookimpl from ownmark.hookspecs above it"
    if not implemented and not bare:
        yield "implements no hook. Mark its functions with @hookimpl from ownmark.hookspecs"


def _is_unmarked_function(manager: pluggy.PluginManager, plugin: Any, name: str) -> bool:
    return (
        inspect.isfunction(inspect.getattr_static(plugin, name))
        and manager.parse_hookimpl_opts(plugin, name) is None
    )


def _hooks_of(manager: pluggy.PluginManager, plugin: Any) -> set[str]:
    return {caller.name for caller in manager.get_hookcallers(plugin) or ()}


def _caller(manager: pluggy.PluginManager, hook: str, plugin: Any) -> Callable[..., Any]:
    """The hook, asking this plugin only."""
    return manager.subset_hook_caller(hook, [other for other in manager.get_plugins() if other is not plugin])


def _gather(source: Source, hook: str, ask: Callable[..., Any], basket: _Basket) -> None:
    """Put the sound declarations of one hook into the basket, and a problem for each other answer."""

    def answer() -> list[Any]:
        answers = ask()
        if not answers:
            raise TypeError("it returned None; return a list of declarations")
        return list(itertools.islice((item for one in answers for item in one), MOST + 1))

    seen = _watch(source, answer, basket)
    if seen.error is not None:
        what = f"{hook} failed ({type(seen.error).__name__}: {shown(seen.error, 300)})"
        message = f"{what}. {_advice(source, seen.error)}"
        basket.problems.append(source.problem(message))
        return
    if len(seen.value) > MOST:
        message = (
            f"{hook} returned more than {MOST} declarations; the rest is left out. Return a list that ends"
        )
        basket.problems.append(source.problem(message))
    for item in seen.value[:MOST]:
        try:
            _keep(source, hook, item, basket)
        except Exception as error:  # a declaration whose fields misbehave
            message = f"{hook} returned a declaration that cannot be read ({type(error).__name__}: {error})"
            basket.problems.append(source.problem(message))


def _foreign(source: Source, error: BaseException) -> str:
    """The package of somebody else that could not be imported from; empty if that is not what went wrong."""
    of = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    return "" if of == source.entry.value.partition(".")[0] else of


def _advice(source: Source, error: BaseException) -> str:
    """What to do; a version conflict between packages is nothing that the function could mend."""
    lacking = _foreign(source, error)
    if lacking and isinstance(error, ModuleNotFoundError):
        return f"Install what it lacks: {install_hint(lacking)}"
    if lacking:
        return "A package that it imports is of a version that it was not made for; `pip check` says which"
    if isinstance(error, TookTooLong):
        return f"Return a list at once, without computing; {SECONDS}=60 allows more"
    return "Mend the function"


def _keep(source: Source, hook: str, item: Any, basket: _Basket) -> None:
    kind = KINDS[hook]
    found = [f"{hook} returned {fault}" for fault in faults(item, kind)]
    if not found and (source.distribution, kind, item.id) in basket.methods:
        found = [f"{hook} returned {kind} {item.id!r}, which {source.distribution} has already. Rename one"]
    basket.problems.extend(source.problem(message) for message in found)
    if found:
        return
    method = dataclasses.replace(item, kind=kind, distribution=source.distribution)
    basket.methods[source.distribution, kind, item.id] = method
    basket.problems.extend(source.problem(message, lost=False) for message in missing_imports(method))
