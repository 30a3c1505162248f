"""`ownmark new NAME`: a working pack to start from, copied from the template and renamed."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from ownmark.errors import OwnmarkError

TEMPLATE = "scheme-pack"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LEFT_OUT = ("__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", "dist", "build")


def create_pack(name: str, into: Path) -> Path:
    """Write the pack `name` as a folder below `into` and return that folder.

    Args:
        name: of the distribution, such as `acme-marks`; the import name is `acme_marks`.

    Raises:
        OwnmarkError: the name will not do, or the folder exists.
    """
    _check_name(name)
    folder = Path(into) / name
    if folder.exists():
        raise OwnmarkError(f"{folder} exists already; choose another name or folder, or remove it first")
    source = _template()
    for path in _template_files(source):
        target = folder / _renamed(path.relative_to(source).as_posix(), name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_renamed(path.read_text(encoding="utf-8"), name), encoding="utf-8")
    return folder


def _check_name(name: str) -> None:
    module = name.replace("-", "_")
    if not _NAME.fullmatch(name):
        raise OwnmarkError(
            f"{name!r} is no name for a pack; write lower-case letters and digits in words joined by '-', such as "
            "'acme-marks'"
        )
    if keyword.iskeyword(module) or module in sys.stdlib_module_names:
        raise OwnmarkError(
            f"a pack {name!r} would be imported as {module!r}, which is Python's own; add a word"
        )
    if find_spec(module) is not None:
        raise OwnmarkError(f"a package {module!r} is installed already; choose another name")


def _renamed(text: str, name: str) -> str:
    camel = "".join(word.capitalize() for word in name.split("-"))
    names = {"acme-marks": name, "acme_marks": name.replace("-", "_"), "AcmeMarks": camel}
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def _template() -> Path:
    """The template's folder: inside the installed package, or beside the sources of an editable install."""
    package = Path(str(files("ownmark")))
    places = (package / "_templates" / TEMPLATE, package.parents[1] / "templates" / TEMPLATE)
    for place in places:
        if (place / "pyproject.toml").is_file():
            return place
    raise OwnmarkError(f"the template is missing (looked in {places[0]}); reinstall ownmark")


def _template_files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        parts = path.relative_to(source).parts
        wanted = not any(part in _LEFT_OUT or part.endswith(".egg-info") for part in parts)
        if path.is_file() and wanted and path.suffix != ".pyc":
            yield path
