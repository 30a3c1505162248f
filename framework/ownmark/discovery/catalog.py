"""The frozen catalogue: which methods there are, under which names, and how to make one."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ownmark.discovery import build, suggest
from ownmark.discovery.index import canonical
from ownmark.discovery.nested import named
from ownmark.discovery.plugins import Observer
from ownmark.discovery.problems import Checked, Pack, Problem
from ownmark.errors import AmbiguousMethod, MethodNotFound
from ownmark.methods import Declaration, Kind

if TYPE_CHECKING:
    from ownmark.config import Nested


@dataclass(frozen=True, eq=False)
class Catalog:
    """Every method of every pack; made by `discover`.

    A method's name is its id, or `pack/id`, or `distribution/id`; the bare id only while one pack has it.
    """

    methods: tuple[Declaration, ...]
    problems: tuple[Problem, ...] = ()
    packs: tuple[Pack, ...] = ()
    observers: tuple[Observer, ...] = field(default=(), repr=False)

    def of(self, kind: Kind) -> tuple[Declaration, ...]:
        """All methods of a kind, by id."""
        found = (method for method in self.methods if method.kind == kind)
        return tuple(sorted(found, key=lambda method: (method.id, method.distribution)))

    def ids(self, kind: Kind) -> tuple[str, ...]:
        """The names by which a plan can call the methods of a kind: bare where unique, else with the pack."""
        return tuple(name for method in self.of(kind) if (name := self.spelling(method)))

    def spelling(self, method: Declaration) -> str | None:
        """The shortest name that means this method and no other; None if there is none."""
        names = (method.id, method.name, f"{method.distribution}/{method.id}")
        return next((name for name in names if len(self._claims(method.kind, name)) == 1), None)

    def find(self, kind: Kind, name: str) -> Declaration:
        """The method called `name`.

        Raises:
            MethodNotFound: with what is near, and which packs failed to load.
            AmbiguousMethod: with both distributions, and the spellings that tell them apart.
        """
        claims = self._claims(kind, name)
        if not claims:
            raise MethodNotFound(suggest.not_found(self, Kind(kind), name))
        if len(claims) > 1:
            raise AmbiguousMethod(suggest.ambiguous(self, Kind(kind), name, claims))
        return claims[0]

    def default_extractor(self, scheme: Declaration) -> Declaration:
        """The extractor a scheme names; its own distribution's, should several have one of that name.

        Raises:
            MethodNotFound, AmbiguousMethod: as `find` does.
        """
        claims = self._claims(Kind.EXTRACTOR, scheme.extractor)
        own = [method for method in claims if method.distribution == scheme.distribution]
        return own[0] if len(own) == 1 else self.find(Kind.EXTRACTOR, scheme.extractor)

    def _claims(self, kind: Kind, name: str) -> list[Declaration]:
        prefix, _, bare = name.rpartition("/")
        owner = canonical(prefix)
        return [
            m for m in self.of(kind) if m.id == bare and (not prefix or owner in (m.pack, m.distribution))
        ]

    def validate(
        self,
        kind: Kind,
        nested_or_id: str | Nested | Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        *,
        defaults: Mapping[str, Any] | None = None,
    ) -> Checked:
        """Check a method's parameters, and those of the methods nested in them, without importing the method.

        Args:
            nested_or_id: a name, or the method as a plan writes it: `{name: parameters}`.
            params: parameters; they win over those in `nested_or_id`.
            defaults: used where the plan says nothing; those the method does not have are left out, so that
                one set serves many methods.

        Raises:
            MethodNotFound, AmbiguousMethod: for this method; for nested ones they are among the problems.
        """
        return build.validate(self, Kind(kind), *named(nested_or_id, params), defaults or {})

    def build(
        self,
        kind: Kind,
        nested_or_id: str | Nested | Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        *,
        defaults: Mapping[str, Any] | None = None,
    ) -> Any:
        """Make the method: `Class(config, **nested)`, or `Class(**parameters)` for a metric.

        Arguments are those of `validate`.

        Raises:
            MethodNotFound, AmbiguousMethod: for this method.
            PlanError: all that is wrong with the parameters, nested methods included.
            MethodUnavailable: the class cannot be imported or made.
        """
        return build.build(self, self.validate(kind, nested_or_id, params, defaults=defaults))

    def observe(self, record: Mapping[str, Any]) -> None:
        """Tell every observer of a finished cell. Each gets its own copy; errors are logged, nothing more."""
        for observer in self.observers:
            try:
                observer.call(record=copy.deepcopy(dict(record)))
            except (Exception, SystemExit) as error:
                source = observer.source
                logging.getLogger("ownmark").warning(
                    "%s",
                    source.problem(f"ownmark_record failed ({type(error).__name__}: {error})"),
                    exc_info=True,
                )
