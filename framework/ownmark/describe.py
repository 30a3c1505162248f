"""What `ownmark show` prints of a method; reads its declaration and parameter class, never the method itself."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ownmark.foreign import paragraph, shown
from ownmark.methods import Declaration


def describe(method: Declaration) -> RenderableType:
    """Everything a user should know before putting the method into a plan."""
    title = Text.assemble((f"{method.kind} {method.id}", "bold"), f"  ({shown(method.distribution, 80)})")
    parts: list[RenderableType] = [title, Text(shown(method.summary))]
    parts += [_line(name, text) for name, text in _facts(method)]
    config = method.load_config()
    if config is not None:
        parts += [Text("parameters", style="bold"), Padding(_parameters(config), (0, 0, 0, 2))]
    if method.deviations:
        parts.append(Text("where it differs from the paper", style="bold"))
        parts += [Padding(Text(f"- {paragraph(deviation)}"), (0, 0, 0, 2)) for deviation in method.deviations]
    if method.reported:
        parts += [Text("reported", style="bold"), Padding(_reported(method), (0, 0, 0, 2))]
    return Group(*parts, Text(""))


def _facts(method: Declaration) -> Iterator[tuple[str, str]]:
    if method.paper is not None:
        yield "paper", str(method.paper) + (f" {method.paper.url}" if method.paper.url else "")
    if method.threat_model:
        yield "threat model", method.threat_model
    if method.needs:
        yield "needs", ", ".join(sorted(str(need) for need in method.needs))
    if method.extractor:
        yield "read by", method.extractor
    for module, extra in method.requires.items():
        yield "optional", f"{module}: pip install '{method.distribution}[{extra}]'"


def _line(name: str, text: str) -> Text:
    return Text.assemble((f"{name}: ", "bold"), paragraph(text))


def parameters(config: Any) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, default and help text of each field of a parameter class."""
    for name, field in config.__pydantic_fields__.items():
        default = "required" if field.is_required() else _plain(field.get_default(call_default_factory=True))
        yield name, _type(field), default, field.description or ""


def _parameters(config: Any) -> RenderableType:
    """One paragraph a parameter: name, type and default on a line, the meaning below it."""
    lines: list[RenderableType] = []
    for name, kind, default, meaning in parameters(config):
        lines.append(Text.assemble((shown(name, 80), "cyan"), f" = {shown(default)}  ", (shown(kind), "dim")))
        lines.append(Padding(Text(paragraph(" ".join(meaning.split()))), (0, 0, 0, 4)))
    return Group(*lines)


def _reported(method: Declaration) -> Table:
    """A row for each place in a paper, with all that is printed there."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("value", "of", "where"):
        table.add_column(column)
    rows: dict[tuple[str, str], list[str]] = {}
    for figure in method.reported:
        of = " ".join(part for part in (figure.dataset, figure.host, figure.scheme, figure.attack) if part)
        rows.setdefault((of, figure.where), []).append(f"{figure.metric} {figure.value:g}")
    for place, values in rows.items():
        table.add_row(*(Text(shown(one)) for one in (", ".join(values), *place)))
    return table


def _type(field: Any) -> str:
    from pydantic._internal._repr import display_as_type

    text = str(display_as_type(_bare(field.annotation)))
    if text.startswith("Union["):
        text = text[6:-1].replace(", ", " or ").replace("NoneType", "None")
    bounds = [_bound(part) for part in (*field.metadata, *_inside(field.annotation))]
    return text + "".join(f" {bound}" for bound in bounds if bound)


def _bare(annotation: Any) -> Any:
    """The annotation without what `Annotated` adds to types inside of it."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (tuple, list):
        return get_origin(annotation)[tuple(_bare(part) for part in get_args(annotation))]
    if get_origin(annotation) in (Union, UnionType):
        return Union[tuple(_bare(part) for part in get_args(annotation))]  # noqa: UP007
    return annotation


def _inside(annotation: Any) -> Iterator[Any]:
    """The bounds of what a union is made of: of a number that may be left out, say."""
    for part in get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ():
        for note in get_args(part)[1:] if get_origin(part) is Annotated else ():
            yield from getattr(note, "metadata", [note])


def _bound(constraint: Any) -> str:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    return " ".join(
        f"{sign} {getattr(constraint, name)}" for name, sign in signs.items() if hasattr(constraint, name)
    )


def _plain(value: Any) -> str:
    if hasattr(value, "__dataclass_fields__"):
        fields = ((name, getattr(value, name)) for name in value.__dataclass_fields__)
        return ", ".join(f"{name}: {item}" for name, item in fields)
    return "''" if value == "" else str(value)
