"""The frozen catalogue: which methods there are, under which names, and how to make one."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ownmark.discovery import build, suggest
from ownmark.discovery.index import CORE, canonical, is_ours
from ownmark.discovery.nested import named
from ownmark.discovery.plugins import Observer
from ownmark.discovery.problems import Checked, Pack, Problem
from ownmark.errors import AmbiguousMethod, MethodNotFound
from ownmark.foreign import shown
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
        return self._by_kind.get(kind, ())

    @cached_property
    def _by_kind(self) -> dict[Kind, tuple[Declaration, ...]]:
        ordered = sorted(self.methods, key=lambda method: (method.id, method.distribution))
        return {kind: tuple(method for method in ordered if method.kind == kind) for kind in Kind}

    def ids(self, kind: Kind) -> tuple[str, ...]:
        """The names by which a plan can call the methods of a kind: bare where unique, else with the pack."""
        return tuple(name for method in self.of(kind) if (name := self.spelling(method)))

    def spelling(self, method: Declaration) -> str | None:
        """The shortest name that means this method and no other; None if there is none."""
        names = (method.id, method.name, f"{method.distribution}/{method.id}")
        return next((name for name in names if len(self._claims(method.kind, name)) == 1), None)

    def find(self, kind: Kind, name: str, home: str = "") -> Declaration:
        """The method called `name`.

        Args:
            home: the distribution that uses the name, for its defaults and its own plans: a bare id then means its own
                method before those of the distributions that it requires, and these before all others. A user's plan
                has no home, so that nobody decides in silence whose method is meant.

        Raises:
            MethodNotFound: with what is near, and which packs failed to load.
            AmbiguousMethod: with both distributions, and the spellings that tell them apart.
        """
        claims = self._claims(kind, name)
        if not claims:
            raise MethodNotFound(suggest.not_found(self, Kind(kind), name))
        if len(claims) > 1 and home:
            claims = self._nearest(claims, home)
        if len(claims) > 1:
            raise AmbiguousMethod(suggest.ambiguous(self, Kind(kind), name, claims))
        return claims[0]

    def default_extractor(self, scheme: Declaration) -> Declaration:
        """The extractor a scheme names; its own distribution's, should several have one of that name.

        Raises:
            MethodNotFound, AmbiguousMethod: as `find` does; says whose extractor it is.
        """
        try:
            return self.find(Kind.EXTRACTOR, scheme.extractor, scheme.distribution)
        except (MethodNotFound, AmbiguousMethod) as error:
            named = (
                f"scheme {scheme.id} of {scheme.distribution} is read by the extractor {scheme.extractor!r}"
            )
            raise type(error)(f"{named}: {error}") from error

    @property
    def collisions(self) -> tuple[tuple[Declaration, ...], ...]:
        """Methods of one kind and one id that several distributions have; plans say whose they mean."""
        found: dict[tuple[Kind, str], list[Declaration]] = {}
        for method in self.methods:
            found.setdefault((method.kind, method.id), []).append(method)
        return tuple(tuple(same) for same in found.values() if len(same) > 1)

    def home_of(self, name: str) -> str:
        """The distribution that a name in full, `distribution/id`, states; the core for a bare id of older files."""
        return canonical(name.rpartition("/")[0]) or CORE

    def version(self, distribution: str) -> str:
        """Version of an installed distribution with methods; empty if there is none."""
        return next((pack.version for pack in self.packs if pack.distribution == distribution), "")

    def whose(self, method: Declaration) -> str:
        """The distribution that brought a method, with its version: who has to mend it."""
        return f"{method.distribution} {self.version(method.distribution)}".strip()

    def _claims(self, kind: Kind, name: str) -> list[Declaration]:
        prefix, _, bare = name.rpartition("/")
        owner = canonical(prefix)
        found = [m for m in self.of(kind) if m.id == bare]
        if not prefix:
            return found
        exact = [m for m in found if m.distribution == owner]
        if exact and is_ours(owner):  # no other pack's short name competes with one of this project's
            return exact
        return [m for m in found if owner in (m.pack, m.distribution)]

    def _nearest(self, claims: list[Declaration], home: str) -> list[Declaration]:
        required = next((pack.requires for pack in self.packs if pack.distribution == home), frozenset())
        circles = (
            [m for m in claims if m.distribution == home],
            [m for m in claims if m.distribution in required],
            [m for m in claims if is_ours(home) and is_ours(m.distribution)],
        )
        return next((circle for circle in circles if circle), claims)

    def validate(
        self,
        kind: Kind,
        nested_or_id: str | Nested | Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        *,
        defaults: Mapping[str, Any] | None = None,
        home: str = "",
    ) -> Checked:
        """Check a method's parameters, and those of the methods nested in them, without importing the method.

        Args:
            nested_or_id: a name, or the method as a plan writes it: `{name: parameters}`.
            params: parameters; they win over those in `nested_or_id`.
            defaults: used where the plan says nothing; those the method does not have are left out, so that
                one set serves many methods.
            home: as for `find`.

        Raises:
            MethodNotFound, AmbiguousMethod: for this method; for nested ones they are among the problems.
        """
        return build.validate(self, Kind(kind), *named(nested_or_id, params), defaults or {}, home)

    def build(
        self,
        kind: Kind,
        nested_or_id: str | Nested | Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        *,
        defaults: Mapping[str, Any] | None = None,
        home: str = "",
    ) -> Any:
        """Make the method: `Class(config, **nested)`, or `Class(**parameters)` for a metric.

        Arguments are those of `validate`.

        Raises:
            MethodNotFound, AmbiguousMethod: for this method.
            PlanError: all that is wrong with the parameters, nested methods included.
            MethodUnavailable: the class cannot be imported or made.
        """
        return build.build(self, self.validate(kind, nested_or_id, params, defaults=defaults, home=home))

    def observe(self, record: Mapping[str, Any]) -> None:
        """Tell every observer of a finished cell. Each gets its own copy; errors are logged, nothing more."""
        for observer in self.observers:
            try:
                observer.call(record=copy.deepcopy(dict(record)))
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                problem = observer.source.problem(f"ownmark_record failed ({type(error).__name__}: {error})")
                logging.getLogger("ownmark").warning("%s", shown(problem, 1000), exc_info=True)
