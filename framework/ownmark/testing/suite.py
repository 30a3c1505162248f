"""Which checks are for which method, and running them."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import ownmark.testing.checks  # noqa: F401  (registers them)
from ownmark.discovery import Catalog, discover
from ownmark.discovery.checks import missing_imports
from ownmark.discovery.index import canonical
from ownmark.errors import MethodNotFound
from ownmark.methods import Declaration, Kind
from ownmark.testing.check import REGISTRY, Check, CheckFailed, CheckSkipped, Inapplicable, Outlived
from ownmark.testing.subject import subject_for


@dataclass(frozen=True)
class Row:
    """One check of one method, for `ownmark check`.

    Args:
        method: `attack repair/prune`. check: its id. outcome: `passed`, `failed`, `skipped` where something is missing
            on this machine, `n/a` where it says nothing of the method, or `expected` for a failure that the pack
            announced. message: what is wrong, why it was skipped, or what still works and should be changed.
    """

    method: str
    check: str
    outcome: str
    message: str = ""

    @property
    def passed(self) -> bool:
        """Whether the method has the property."""
        return self.outcome == "passed"

    @property
    def failed(self) -> bool:
        """Whether something has to be mended."""
        return self.outcome == "failed"


def checks_for(declaration: Declaration, thorough: bool = True) -> list[Check]:
    """The checks for a method, chosen by kind, needs and idle arguments; the cheap ones first.

    Args:
        thorough: with the thorough ones.
    """
    chosen = (one for one in REGISTRY.values() if one.applies(declaration) and (thorough or not one.thorough))
    return sorted(chosen, key=lambda check: not check.light)


def run_check(check: Check, declaration: Declaration, catalog: Catalog | None = None) -> None:
    """Make one check of one method; what only still works as older contracts had it is told in a DeprecationWarning.

    Args:
        catalog: where the method and those it works with are found; what is installed if not given. A
            declaration that is not in it is tried as if it were.

    Raises:
        CheckFailed: with a sentence that says what is wrong and what to do.
        CheckSkipped: the check cannot be made here; a `unittest.SkipTest`, so pytest skips the test.
    """
    __tracebackhide__ = True
    if outlived := _made(check, declaration, catalog):
        warnings.warn(outlived, DeprecationWarning, stacklevel=2)


def _made(check: Check, declaration: Declaration, catalog: Catalog | None) -> str:
    """Make a check; what the method should change all the same, or an empty text."""
    __tracebackhide__ = True
    lacking = [] if check.light else missing_imports(declaration)
    if lacking:
        raise CheckSkipped("; ".join(lacking))
    subject = subject_for(declaration, catalog)
    try:
        check.function(subject)
    except Outlived as outlived:
        return str(outlived)
    except (CheckFailed, CheckSkipped):
        raise
    except Exception as error:
        raise CheckFailed(f"{subject.label} raises {type(error).__name__}: {error}") from error
    return ""


def methods_called(name: str, catalog: Catalog | None = None) -> list[Declaration]:
    """The methods of a distribution or pack, or of any kind with that id or `pack/id`.

    Raises:
        MethodNotFound: there are none.
    """
    catalog = catalog or discover()
    prefix, _, id = name.rpartition("/")
    packs = {name, canonical(name)}
    owners = {prefix, canonical(prefix)} if prefix else set()
    found = [
        method
        for method in catalog.methods
        if packs & {method.distribution, method.pack}
        or (method.id == id and (not prefix or owners & {method.distribution, method.pack}))
    ]
    if not found:
        lost = [str(one) for one in catalog.problems if one.lost and one.distribution in packs]
        if lost:
            raise MethodNotFound(f"no method of {name} could be loaded: {'; '.join(lost)}")
        known = ", ".join(sorted({method.pack for method in catalog.methods}))
        raise MethodNotFound(
            f"no method and no pack is called {name!r}{_folder_hint(name)}; the packs are {known} (`ownmark list`)"
        )
    return found


def _folder_hint(name: str) -> str:
    """What to do if it is the folder of a pack that nobody installed."""
    folder = Path(name)
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    if "entry-points.ownmark" not in text:
        return ""
    own = folder.resolve().name
    return f"; that is a folder: pip install -e {name}, or without pip: ownmark --pack {name} check {own}"


def case_id(check: Check, declaration: Declaration) -> str:
    """`repair/prune:attack-opens-no-files`; unique among all methods."""
    kind = f"{declaration.kind}-" if check.id.startswith("declaration-") else ""
    return f"{declaration.name}:{kind}{check.id}"


def announced(declaration: Declaration) -> Mapping[str, str]:
    """Failures that the method's pack expects of its methods, with the reasons: `id:check-id` -> reason.

    Taken from `EXPECTED_FAILURES` in the module `conformance` of the package that holds the method, if it has one.
    """
    package = declaration.target.partition(":")[0].partition(".")[0]
    try:
        module = importlib.import_module(f"{package}.conformance")
    except ModuleNotFoundError as error:
        if error.name not in (package, f"{package}.conformance"):
            raise
        return {}
    found: Mapping[str, str] = getattr(module, "EXPECTED_FAILURES", {})
    return found


def expected_reason(
    check: Check, declaration: Declaration, failures: Mapping[str, str] | None = None
) -> str | None:
    """Why this check is expected to fail; None if it is not."""
    known = {**announced(declaration), **(failures or {})}
    full = case_id(check, declaration)
    return known.get(full, known.get(full.partition("/")[2]))


def check_rows(name: str, catalog: Catalog | None = None) -> Iterator[Row]:
    """Check a method or everything of a pack, row by row.

    Args:
        name: as `methods_called` takes it.

    Raises:
        MethodNotFound: no such method or pack.
    """
    said: dict[str, str] = {}
    for declaration in sorted(methods_called(name, catalog), key=lambda method: _ORDER.index(method.kind)):
        for check in checks_for(declaration):
            row = row_of(check, declaration, catalog)
            cause = row.message.partition(f"{declaration.name}")[2]
            yield _shortened(row, said.get(cause, ""))
            if row.failed and cause:
                said.setdefault(cause, f"{row.method}: {row.check}")


_ORDER = (Kind.DATASET, Kind.HOST, Kind.SCHEME, Kind.EXTRACTOR, Kind.ATTACK, Kind.METRIC, Kind.PLAN)
"""Causes before what suffers from them."""


def _shortened(row: Row, first: str) -> Row:
    """A failure that an earlier check told of points there."""
    return replace(row, message=f"as said at {first}") if row.failed and first else row


def row_of(check: Check, declaration: Declaration, catalog: Catalog | None = None) -> Row:
    """What one check says of one method."""
    method = f"{declaration.kind} {declaration.name}"
    reason = expected_reason(check, declaration)
    try:
        outlived = _made(check, declaration, catalog)
    except Inapplicable as reason_why:
        return Row(method, check.id, "n/a", str(reason_why))
    except CheckSkipped as skipped:
        return Row(method, check.id, "skipped", str(skipped))
    except CheckFailed as failure:
        outcome, said = ("failed", str(failure)) if reason is None else ("expected", reason)
        return Row(method, check.id, outcome, said)
    if reason is not None:
        return Row(
            method, check.id, "failed", f"passes, though it was expected to fail ({reason}); remove that"
        )
    return Row(method, check.id, "passed", outlived)
