"""`ownmark new NAME`: a working pack to start from, put together from the templates and renamed."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from ownmark.discovery.checks import RESERVED
from ownmark.errors import OwnmarkError
from ownmark.runner.places import require_writable, writing
from ownmark.scratch import appearing, require_vacant

TEMPLATE = "scheme-pack"
"""What all packs share, with a scheme and an attack."""
KINDS = ("scheme", "black-box", "attack", "extractor", "host", "dataset", "metric")
"""What a pack may be made for; each is one method with its test and a plan that uses it."""
_SHARED = {"scheme": "group_mean", "attack": "weight_noise"}
"""Kinds whose method is one of the shared template's."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_METHOD = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LEFT_OUT = ("__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", "dist", "build")
_SECTION = re.compile(r"(?<=\[project\.entry-points\.ownmark\]\n).*?(?=\n\n|\n\[|\Z)", re.DOTALL)
_TABLE = re.compile(r"(?<=\|---\|---\|---\|\n)(?:\|.*\n)+")
_PLAN = re.compile(r"(?<=```yaml\n).*?(?=```)", re.DOTALL)
_INTRO = re.compile(r"to start from: .*")


def create_pack(name: str, into: Path, kind: str | None = None, method: str | None = None) -> Path:
    """Write the pack `name` as a folder below `into` and return that folder.

    Args:
        name: of the distribution, such as `acme-marks`; the import name is `acme_marks`.
        kind: of `KINDS`; a scheme with its extractor and an attack if not given.
        method: id of the method, `my_mark`; the template's own if not given. Takes a kind.

    Raises:
        OwnmarkError: the name, kind or id will not do, or the folder exists.
        Unwritable: nothing can be written there.
    """
    _check_name(name)
    _check_method(method, kind, name)
    folder = Path(into) / name
    require_vacant(folder)
    if kind is not None and kind not in KINDS:
        raise OwnmarkError(f"no template for {kind!r}; there are {', '.join(KINDS)}")
    require_writable(folder.parent, "--into")
    names = _names(name, kind, method)
    with writing(folder), appearing(folder) as scratch:
        for path, text in _texts(kind).items():
            target = scratch / _renamed(path, names)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_renamed(text, names), encoding="utf-8")
    return folder


def _check_method(method: str | None, kind: str | None, name: str) -> None:
    if method is None:
        return
    if kind is None:
        raise OwnmarkError(
            f"--method {method} names one method; say of which kind with --kind ({', '.join(KINDS)})"
        )
    if not _METHOD.fullmatch(method) or keyword.iskeyword(method) or method in RESERVED:
        raise OwnmarkError(
            f"{method!r} is no id for a method; write lower-case letters and digits in words joined by '_', such as "
            "'my_mark'"
        )
    if method == name.replace("-", "_"):
        raise OwnmarkError(
            f"the method {method!r} and its pack {name!r} would be imported alike; call one otherwise"
        )


def _names(name: str, kind: str | None, method: str | None) -> dict[str, str]:
    """What the template's words become, by pattern: distribution, package, method and its classes."""
    names = {"acme-marks": name, "acme_marks": name.replace("-", "_"), "AcmeMarks": _camel(name)}
    if method is not None and kind is not None:
        id = _id_of(kind, _read(_template(f"kinds/{kind}")))
        names |= {
            rf"\b{id}\b": method,
            rf"\btest_{id}\b": f"test_{method}",
            rf"\b{_camel(id)}(?=[A-Z]\w*\b|\b)": _camel(method),
        }
    return names


def _id_of(kind: str, own: dict[str, str]) -> str:
    """The id of the template's method of a kind."""
    return _SHARED.get(kind) or next(path.split("/")[1] for path in own if path.startswith("acme_marks/"))


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in re.split("[-_]", name))


def _texts(kind: str | None) -> dict[str, str]:
    """What a pack of this kind consists of: path -> text, under the template's name."""
    shared = _read(_template(TEMPLATE))
    if kind is None:
        return shared
    own = _read(_template(f"kinds/{kind}"))
    id = _id_of(kind, own)
    dropped = set(_SHARED.values()) - {id}
    kept = {path: text for path, text in shared.items() if not any(name in path for name in dropped)}
    made = {**kept, **own}
    made["pyproject.toml"] = _SECTION.sub(f'{id} = "acme_marks.{id}"', made["pyproject.toml"])
    made["tests/test_acme_marks.py"] = made["tests/test_acme_marks.py"].replace(
        '{"group_mean", "weight_noise"}', f'{{"{id}"}}'
    )
    return {path: _of_kind(path, text, kind, id, made) for path, text in made.items()}


def _of_kind(path: str, text: str, kind: str, id: str, made: dict[str, str]) -> str:
    noun = "scheme" if kind == "black-box" else kind
    if path == "README.md":
        summary = made[f"acme_marks/{id}/__init__.py"].partition('"""')[2].partition('"""')[0]
        text = _TABLE.sub(f"| [{id}](acme_marks/{id}/__init__.py) | {noun} | {summary} |\n", text)
        text = _PLAN.sub(made["plan.yaml"], text).replace("group_mean", id)
        text = text.replace("A plan that judges both", "A plan that uses it")
        return _INTRO.sub(f"to start from: one {noun} with its test.", text)
    if path in ("pyproject.toml", "acme_marks/__init__.py"):
        return text.replace("A watermark and an attack for ownmark", f"A {noun} for ownmark").replace(
            "A attack", "An attack"
        )
    return text


def _read(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in _template_files(folder)
    }


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


def _renamed(text: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        text = re.sub(old, new, text)
    return text


def _template(name: str) -> Path:
    """A template's folder: inside the installed package, or beside the sources of an editable install."""
    package = Path(str(files("ownmark")))
    places = (package / "_templates" / name, package.parents[1] / "templates" / name)
    for place in places:
        if (place / "plan.yaml").is_file():
            return place
    raise OwnmarkError(f"the template is missing (looked in {places[0]}); reinstall ownmark")


def _template_files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        parts = path.relative_to(source).parts
        wanted = not any(part in _LEFT_OUT or part.endswith(".egg-info") for part in parts)
        if path.is_file() and wanted and path.suffix != ".pyc":
            yield path
