"""`study`: schemes against attacks on a live model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from ownmark.api.lending import lend, listed_nulls
from ownmark.api.marking import as_plan, started
from ownmark.api.results import Study
from ownmark.api.speaking import speaking
from ownmark.discovery import discover

Methods = str | Sequence[str | Mapping[str, Any]]


@speaking
def study(
    model: nn.Module,
    data: Any,
    schemes: Methods,
    attacks: Methods = ("none", "prune", "finetune"),
    *,
    test: Any = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    classes: int | None = None,
    nulls: Any = 4,
    recipe: Mapping[str, Any] | None = None,
    build: Callable[[], nn.Module] | None = None,
    seeds: Sequence[int] = (0,),
    out: str | Path = "runs/study",
    store: str | Path | None = None,
    device: str = "auto",
    progress: Any = None,
    **plan: Any,
) -> Study:
    """Run a plan on a model and data that are at hand.

    Args:
        model, data, test, mean, std, classes, nulls, recipe, build: as for `mark`.
        schemes, attacks: as in a plan; one may stand alone. out, store: as for `run`.
        plan: further sections of a plan, `attacker={...}`.

    Raises:
        PlanError: every problem of the plan; nothing was trained.
    """
    from ownmark.runner import run

    catalog = discover()
    with tempfile.TemporaryDirectory(prefix="ownmark-") as work:
        given = listed_nulls(nulls)
        lent = lend(
            model, data, Path(work), test=test, mean=mean, std=std, classes=classes, build=build, nulls=given,
            recipe=recipe,
        )  # fmt: skip
        count = nulls if isinstance(nulls, int) else len(given)
        told = {
            "name": "study", "tasks": [{"dataset": lent.dataset, "host": lent.host}],
            "schemes": [started(scheme, catalog) for scheme in _listed(schemes)], "attacks": _listed(attacks),
            "seeds": list(seeds), "verdict": {"null_models": count or 1}, **plan,
        }  # fmt: skip
        done = run(as_plan(told), out=out, store=store, device=device, progress=progress)
    return Study(done.folder, done.records)


def _listed(methods: Methods) -> list[str | Mapping[str, Any]]:
    return [methods] if isinstance(methods, str | Mapping) else list(methods)
