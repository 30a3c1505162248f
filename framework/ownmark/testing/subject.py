"""A method under test: built with its smoke arguments, run once, and looked at by many checks."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from ownmark.contracts import BlackBox, Images, Task, WhiteBox
from ownmark.contracts.returned import returned
from ownmark.discovery import Catalog, discover, nested_fields
from ownmark.discovery.checks import missing_imports
from ownmark.errors import DataError, OwnmarkError
from ownmark.methods import Declaration, Kind, Need
from ownmark.runner.resolve import needs_of
from ownmark.testing.attacking import Attacking
from ownmark.testing.check import CheckFailed, CheckSkipped
from ownmark.testing.embedding import Embedding
from ownmark.testing.reading import Reading
from ownmark.testing.workbench import Workbench, workbench_for

_KEPT = 12


class Subject:
    """A declaration with everything a check may ask of it.

    Args:
        catalog: where it, and the methods it works with, are found.
    """

    def __init__(self, declaration: Declaration, catalog: Catalog) -> None:
        self.declaration = declaration
        known = any(method is declaration or method == declaration for method in catalog.methods)
        self.base = catalog
        self.catalog = (
            catalog if known else dataclasses.replace(catalog, methods=(*catalog.methods, declaration))
        )

    @property
    def label(self) -> str:
        """For messages: `attack repair/prune`."""
        return f"{self.declaration.kind} {self.declaration.name}"

    @property
    def spelling(self) -> str:
        """The name by which the catalogue finds it."""
        return self.catalog.spelling(self.declaration) or self.declaration.name

    @property
    def bench(self) -> Workbench:
        """Host, images and null models of the method's `smoke_host`."""
        return workbench_for(self.declaration, self.base)

    @property
    def needs(self) -> frozenset[Need]:
        """What it needs, methods nested in its smoke arguments included."""
        return needs_of(self.catalog, self.declaration.kind, self.spelling, self.declaration.smoke)

    @property
    def task(self) -> Task:
        """Of schemes: the kit's task, as this one is told it."""
        return self.bench.task_for(self.needs)

    def build(self, **changes: Any) -> Any:
        """An instance with the smoke arguments and `changes`."""
        params = {**self.declaration.smoke, **changes}
        return self.catalog.build(self.declaration.kind, self.spelling, params)

    @cached_property
    def instance(self) -> Any:
        """The instance that all checks use, so that one that keeps state between calls is found out."""
        return self.build()

    @property
    def images(self) -> Images:
        """Of datasets: what they hold.

        Raises:
            CheckSkipped: the data are not on this machine.
        """
        if isinstance(self._loaded, DataError):
            raise CheckSkipped(f"its data are not here: {self._loaded}") from self._loaded
        return self._loaded

    @cached_property
    def _loaded(self) -> Images | DataError:
        """The images or what keeps them away, asked once: a hub that is not there takes half a minute to say so."""
        try:
            self.instance.check()
            return returned(self.instance.load(), Images, "load")
        except DataError as error:
            return error

    @cached_property
    def embedding(self) -> Embedding:
        """Of schemes: the key and the marked network."""
        return Embedding(self.instance, self.bench, self.needs)

    @cached_property
    def attacking(self) -> Attacking:
        """Of attacks: what they do to the kit's marked network."""
        return Attacking(self.instance, self.bench, self.declaration.needs)

    @cached_property
    def reading(self) -> Reading:
        """Of schemes and extractors: a marked network with its key, and the extractor that reads it.

        Raises:
            CheckSkipped: no installed scheme is read by this extractor.
        """
        if self.declaration.kind is Kind.SCHEME:
            reader = subject_for(self._default_extractor(), self.catalog)
            return Reading(self.declaration, self.embedding, reader.declaration, reader.instance)
        scheme = subject_for(self._scheme(), self.catalog)
        return Reading(scheme.declaration, scheme.embedding, self.declaration, self.instance)

    def _default_extractor(self) -> Declaration:
        try:
            return self.catalog.default_extractor(self.declaration)
        except OwnmarkError as error:
            raise CheckFailed(f"{self.label} is read by {self.declaration.extractor!r}: {error}") from error

    def _scheme(self) -> Declaration:
        """A scheme that this extractor reads: as its default, through one that it wraps, or from the same folder."""
        wanted = {self.declaration.name, *(method.name for method in self._wrapped())}
        schemes = self.catalog.of(Kind.SCHEME)
        folder = _folder(self.declaration)
        found = [scheme for scheme in schemes if self._extractor_of(scheme) in wanted]
        found = found or [scheme for scheme in schemes if _folder(scheme) == folder]
        if not found:
            found = list(self._readable(schemes))
        return min(found, key=lambda scheme: scheme.distribution != self.declaration.distribution)

    def _readable(self, schemes: Sequence[Declaration]) -> Iterator[Declaration]:
        """Of a pack without a scheme: the first of the fakes and the installed ones whose key it reads at all.

        Raises:
            CheckSkipped: it reads none, so that nothing can be said of it.
            CheckFailed: it fails as only mistakes do.
        """
        from ownmark.testing.fakes import FAKES

        fakes = [method for method in FAKES if method.kind is Kind.SCHEME]
        asked = _access(self.declaration)
        tried = []
        for scheme in (*fakes, *schemes):
            if asked in scheme.needs and not scheme.smoke_host and not missing_imports(scheme):
                embedding = subject_for(scheme, self.base).embedding
                reading = Reading(scheme, embedding, self.declaration, self.instance)
                try:
                    reading.read(embedding.bench.trained(), embedding.fresh_key(0))
                except Exception as error:  # another scheme's key
                    self._require_its_access(error)
                    tried.append(f"{scheme.name}: {type(error).__name__}: {error}")
                    continue
                yield scheme
                return
        first = f" ({tried[0]})" if tried else ""
        raise CheckSkipped(
            f"no installed scheme names {self.declaration.name} as its extractor, and it reads none of their keys"
            f"{first}; bring a scheme, or install the pack that it is for"
        )

    def _require_its_access(self, error: Exception) -> None:
        """An extractor that looks for what its view of the suspect does not have is wrong, whatever the key."""
        if isinstance(error, AttributeError) and isinstance(error.obj, BlackBox | WhiteBox):
            view, access = type(error.obj).__name__, _access(self.declaration)
            raise CheckFailed(f"{self.label}: {error}; with {access} access it is handed a {view}") from error

    def _extractor_of(self, scheme: Declaration) -> str:
        try:
            return self.catalog.default_extractor(scheme).name
        except OwnmarkError:
            return ""

    def _wrapped(self) -> Iterator[Declaration]:
        """Extractors that the smoke arguments put into this one."""
        config = getattr(self.instance, "config", None)
        kinds = {} if config is None else nested_fields(type(config))
        for name, kind in kinds.items():
            value = getattr(config, name)
            for nested in value if isinstance(value, tuple | list) else (value,):
                if kind is Kind.EXTRACTOR and nested is not None:
                    yield self.catalog.find(kind, nested.id)


def _access(method: Declaration) -> Need:
    return Need.WHITE_BOX if Need.WHITE_BOX in method.needs else Need.BLACK_BOX


def _folder(method: Declaration) -> str:
    return method.target.partition(":")[0].rpartition(".")[0]


_subjects: OrderedDict[tuple[int, str, str, str], Subject] = OrderedDict()


def subject_for(declaration: Declaration, catalog: Catalog | None = None) -> Subject:
    """The subject of a declaration; the last few are kept, with the networks they hold.

    Args:
        catalog: the installed methods if not given. A declaration that is not in it is added.
    """
    base = catalog or discover()
    key = (id(base), str(declaration.kind), declaration.name, declaration.target)
    if key not in _subjects:
        _subjects[key] = Subject(declaration, base)
    _subjects.move_to_end(key)
    while len(_subjects) > _KEPT:
        _subjects.popitem(last=False)
    return _subjects[key]
