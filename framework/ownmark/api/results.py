"""What the functions of this package return: objects that show themselves."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from ownmark.api.held import is_held
from ownmark.api.speaking import in_python, speaking
from ownmark.errors import OwnmarkError

if TYPE_CHECKING:
    from ownmark.report import Report

_SENTENCES = ("error", "reason", "no_decoys", "reader_differs", "unreadable")
"""Of a record, what is written for people."""


class Verdict(dict[str, Any]):
    """The record of one `verify`; printed, it is the verdict in a few lines."""

    @property
    def claim(self) -> bool | None:
        """Whether ownership can be claimed; None if it cannot be told."""
        found: bool | None = self["claim"]
        return found

    def table(self) -> list[dict[str, Any]]:
        """One row: what matched, what makes a claim, p; nothing was read of a suspect that could not be."""
        fields = ("claim", "hits", "n", "hits_needed", "p_value", "stated_rate", "queries")
        return [{"reader": self["reader"], **{name: self.get(name) for name in fields}}]

    def plot(self) -> Any:
        """The share of the mark that matches, beside the share that makes a claim; a matplotlib figure."""
        return _bars(
            [
                {**row, "share": (row["hits"] or 0) / (row["n"] or 1), "theta": self.get("theta")}
                for row in self.table()
            ]
        )

    def __str__(self) -> str:
        from ownmark.ownership.telling import told

        return "\n".join(told(self))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


@dataclass(frozen=True, eq=False, repr=False)
class Mark:
    """A marked model with its owner's key.

    Args:
        folder: where both lie until `save`. released: the marked copy, to be given away.
        utility: metric, and its value before and after. verdicts: by reader, on the marked copy itself.
        _given: the folder that was loaded, of which `folder` may be a copy with another class.
    """

    folder: Path
    released: nn.Module
    utility: Mapping[str, Any]
    verdicts: Mapping[str, Mapping[str, Any]]
    _saved: Mapping[str, Any] | None = None
    _own: bool = True
    _given: Path | None = None

    @speaking
    def verify(self, suspect: Any, **options: Any) -> Verdict:
        """Whose is this suspect? A module, a function, a file, a folder, an address; options as for `verify`."""
        from ownmark.ownership import verify

        asked = self._weights_of(suspect)
        found = verify(self.folder, asked, **{"trust_mark": self._own, "device": "cpu", **options})
        return Verdict({n: in_python(v) if n in _SENTENCES and v else v for n, v in found.items()})

    def _weights_of(self, suspect: Any) -> Any:
        """The weights alone of a folder that names the same network as the mark did, if another was given for it."""
        if self._given is None or not isinstance(suspect, str | Path):
            return suspect
        said, own = Path(suspect) / "model.json", self._given / "released" / "model.json"
        same = said.is_file() and own.is_file() and said.read_bytes() == own.read_bytes()
        return said.with_name("model.safetensors") if same else suspect

    @speaking
    def add_reader(self, reader: str | Mapping[str, Any], nulls: Any = ()) -> Mapping[str, Any]:
        """Let the mark be read by a further extractor, `"align"` say; see `ownmark.ownership.add_reader`.

        Args:
            nulls: independent networks without a mark, modules or files; or how many to train by the mark's recipe.
        """
        from ownmark.api.lending import listed_nulls, weights_in
        from ownmark.ownership import add_reader

        spelled = reader if isinstance(reader, str) else json.dumps(dict(reader))
        with tempfile.TemporaryDirectory(prefix="ownmark-") as work:
            given = (
                nulls
                if isinstance(nulls, int)
                else weights_in(Path(work), listed_nulls(nulls), self.released)
            )
            return add_reader(self.folder, spelled, nulls=given, device="cpu", trust_mark=True)

    @speaking
    def save(self, folder: str | Path, *, images: bool = True) -> Path:
        """Write the mark: `released` to be given away, `owner` to be kept; warns where a later process wants the class.

        Args:
            images: whether `owner` keeps the images that the key was drawn from, a byte a pixel where that is exact.
                Fresh keys are drawn from them; without, a later process has to be given them again (`load`).

        Raises:
            OwnmarkError: the folder exists. Unwritable: the disk is full.
        """
        from ownmark.api.keeping import drop_images, keep_images
        from ownmark.ownership.folder import appearing, require_vacant
        from ownmark.ownership.mine import remember
        from ownmark.runner.places import writing

        into = Path(folder)
        require_vacant(into)
        with writing(into), appearing(into) as scratch:
            shutil.copytree(self.folder, scratch, dirs_exist_ok=True)
            named = self._name_class(scratch / "released" / "model.json")
            (keep_images if images else drop_images)(scratch / "owner")
            remember(scratch)
        if not named:
            warnings.warn(
                f"{into}: a later process cannot make this {type(self.released).__name__} by itself, so that "
                f"`ownmark verify` does not read the mark; in Python, give what makes one: "
                f'ownmark.load("{into}", network=...)',
                stacklevel=3,
            )
        return into

    def _name_class(self, path: Path) -> bool:
        """A later process finds the class by its name; one that it cannot import, hence False, is given to `load`."""
        about = json.loads(path.read_text())
        if self._saved is not None:
            ((name, params),) = self._saved.items()
            about["host"] = {"id": name, "label": name, "params": dict(params)}
            path.write_text(json.dumps(about, indent=1, sort_keys=True))
        return not is_held(str(about["host"]["params"].get("target", "")))

    def table(self) -> list[dict[str, Any]]:
        """One row a reader: matches, what makes a claim, p."""
        fields = ("claim", "p_value", "theta", "rule", "stated_rate")
        return [
            {"reader": name, **{one: found.get(one) for one in fields}}
            for name, found in self.verdicts.items()
        ]

    def __str__(self) -> str:
        used = self.utility
        before = f"{used['host']:.3f} before, " if "host" in used else ""
        lines = [f"{used['metric']}: {before}{used['marked']:.3f} marked"] if used else []
        lines += [f"read by {row['reader']}: p = {row['p_value']:.2g}" for row in self.table()]
        return "\n".join(lines) or f"the mark in {self.folder}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


@dataclass(frozen=True, eq=False, repr=False)
class Attacked:
    """What a thief made of a model.

    Args:
        network: the suspect. accuracy: on the test images before and after, where there are any.
        exhibits: what the attack has to say.
    """

    network: nn.Module
    accuracy: Mapping[str, float]
    exhibits: Mapping[str, Any]

    def table(self) -> list[dict[str, Any]]:
        """One row: accuracy before and after."""
        return [dict(self.accuracy)]

    def __str__(self) -> str:
        return (
            ", ".join(f"accuracy {name} {value:.3f}" for name, value in self.accuracy.items()) or "attacked"
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """Schemes against attacks on one model: records and the report on them."""

    folder: Path
    records: Sequence[Mapping[str, Any]]

    def report(self) -> Report:
        """The report, written to the folder."""
        from ownmark.report import write_report

        return write_report(self.folder)

    def table(self) -> list[dict[str, Any]]:
        """One row a cell: scheme, attack, outcome, accuracy, matches, claim."""
        return [_row(record) for record in self.records]

    def plot(self) -> Any:
        """Accuracy left against matches left, one point a cell; a matplotlib figure."""
        from matplotlib import colormaps

        from ownmark.api.figures import Picture

        figure = Picture(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        axes.set_prop_cycle(color=colormaps["tab20"](range(20)))
        for row in self.table():
            if row["accuracy"] is not None and row["matches"] is not None:
                axes.scatter(
                    row["matches"], row["accuracy"], marker="o" if row["claim"] else "x",
                    label=f"{row['scheme']}, {row['attack']}",
                )  # fmt: skip
        figure.legend(loc="outside right upper", fontsize=7)
        axes.set(xlim=(-0.03, 1.03), xlabel="share of the mark that matches", ylabel="accuracy")
        return figure

    def __str__(self) -> str:
        return "\n".join(
            f"{row['scheme']}, {row['attack']}: {row['outcome']}, accuracy {_number(row['accuracy'])}, "
            f"{_number(row['matches'])} of the mark matches"
            for row in self.table()
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = self.table()
        if not rows:
            return "<p>no cells</p>"
        head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_number(value))}</td>" for value in row.values()) + "</tr>"
            for row in rows
        )
        return f"<table><tr>{head}</tr>{body}</table>"


def _bars(rows: Sequence[Mapping[str, Any]]) -> Any:
    """One bar a reader, its threshold a line."""
    from ownmark.api.figures import Picture

    figure = Picture(figsize=(5, 0.8 + 0.5 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        axes.barh(place, row["share"], color="tab:green" if row["claim"] else "tab:gray")
        if row["theta"] is not None:
            axes.plot([row["theta"]] * 2, [place - 0.4, place + 0.4], color="black")
    axes.set(xlim=(0, 1.02), xlabel="share of the mark that matches; the line makes a claim")
    axes.set_yticks(range(len(rows)), [str(row["reader"]) for row in rows])
    return figure


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    cell = record["cell"]
    row = {"scheme": cell["scheme"]["label"], "attack": (cell.get("attack") or {}).get("label", "none")}
    if record["status"] == "failed":
        return row | {"outcome": "failed", "accuracy": None, "matches": None, "claim": None}
    removal = record.get("removal") or {}
    return row | {
        "outcome": removal.get("outcome", "none"), "accuracy": record["utility"]["suspect"],
        "matches": record["evidence"].get("rate"), "claim": record["verdict"]["claim"],
    }  # fmt: skip


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def require_mark(value: Any) -> Mark:
    """The value, if it is a mark.

    Raises:
        OwnmarkError: it is none.
    """
    if not isinstance(value, Mark):
        raise OwnmarkError(f"expected a mark, got {type(value).__name__}")
    return value
