"""Everything that can be known to be wrong with a plan before anything is trained, all of it at once.

`check_methods` reads declarations and parameters, `check_fit` loads the data and builds untrained networks;
`preflight` does both, leaving out of the second what the first has found to be broken. Code that the plan names (a host
or a dataset of the user's, objects for Lightning) is imported, and data are fetched, only once nothing else is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.discovery import Catalog
from ownmark.runner.making import Making
from ownmark.runner.plan import POINTS, Plan
from ownmark.runner.preflight.declared import entry_problems, of_data, of_methods
from ownmark.runner.preflight.fit import of_fit
from ownmark.runner.preflight.objects import instantiate, of_lightning, trainer_options
from ownmark.runner.preflight.walking import Found, naming_code, readable
from ownmark.runner.yamlfile import Document

__all__ = [
    "check_entries",
    "check_fit",
    "check_methods",
    "instantiate",
    "naming_code",
    "preflight",
    "trainer_options",
]


def preflight(plan: Plan, document: Document, catalog: Catalog, making: Making) -> list[str]:
    """All problems of a plan, in the order of the file, each with file and line."""
    found = list(of_methods(plan, catalog, document.folder))
    broken = {place for place, _ in found}
    code = naming_code(plan, catalog)
    found += of_fit(plan, making, broken, code)
    if code and not found:
        found += of_data(plan, catalog, code, document.folder)
    if code and not found:
        found += of_fit(plan, making, ())
    if not found:
        found += of_lightning(plan)
    return _sentences(document, found)


def check_entries(document: Document, catalog: Catalog) -> list[str]:
    """Problems of the methods in a plan that cannot be read as a whole: of every entry that can be read by itself."""
    found: list[Found] = []
    points = 0
    for kind, place, entry in readable(document.data):
        points += entry.points
        if points > POINTS:
            break
        found += [(place, problem) for problem in entry_problems(catalog, kind, entry, document.folder)]
    return _sentences(document, found)


def check_methods(plan: Plan, document: Document, catalog: Catalog) -> list[str]:
    """Problems of names, parameters, data files and threat models; loads no data and builds no network."""
    return _sentences(document, of_methods(plan, catalog, document.folder))


def check_fit(plan: Plan, document: Document, making: Making) -> list[str]:
    """Problems of schemes, attacks and extractors with these hosts and these data: capacity, layers, amounts."""
    return _sentences(document, of_fit(plan, making, ()))


def _sentences(document: Document, found: Iterable[Found]) -> list[str]:
    ordered = sorted(found, key=lambda one: document.line(one[0]))
    return list(dict.fromkeys(f"{document.where(place)}: {problem}" for place, problem in ordered))
