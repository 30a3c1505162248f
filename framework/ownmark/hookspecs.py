"""THE extension surface: what a pack can say to ownmark.

A pack is a pip distribution with entry points of the group `ownmark`. Each names a module without heavy imports that
implements one or more of these hooks:

    from ownmark.hookspecs import hookimpl
    from ownmark.methods import Declaration, Kind

    @hookimpl
    def ownmark_schemes():
        return [Declaration(id="mymark", kind=Kind.SCHEME, target="acme_marks.mymark.scheme:MyMark", summary="...")]

`ownmark new acme-marks` writes a working pack to start from; `ownmark plugins` shows what was found and what failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pluggy

from ownmark.methods import Declaration

GROUP = "ownmark"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def ownmark_schemes() -> Iterable[Declaration]:
    """Ways to mark a host (`contracts.scheme.Scheme`)."""
    raise NotImplementedError


@hookspec
def ownmark_extractors() -> Iterable[Declaration]:
    """Ways to read evidence out of a suspect (`contracts.extractor.Extractor`)."""
    raise NotImplementedError


@hookspec
def ownmark_attacks() -> Iterable[Declaration]:
    """Ways to turn a marked model into a suspect (`contracts.attack.Attack`)."""
    raise NotImplementedError


@hookspec
def ownmark_metrics() -> Iterable[Declaration]:
    """Quantities of a record (`contracts.metric.Metric`)."""
    raise NotImplementedError


@hookspec
def ownmark_datasets() -> Iterable[Declaration]:
    """Sources of images, or of other inputs (`contracts.dataset.Dataset`)."""
    raise NotImplementedError


@hookspec
def ownmark_hosts() -> Iterable[Declaration]:
    """Networks with the recipe that trains them (`contracts.host.Host`)."""
    raise NotImplementedError


@hookspec
def ownmark_plans() -> Iterable[Declaration]:
    """Named plans, so that `ownmark run NAME` works without a file."""
    raise NotImplementedError


@hookspec
def ownmark_record(record: Mapping[str, Any]) -> None:
    """Called with each finished cell's record; an observer's errors are logged and change no result."""
