"""`attack`: what a thief may do with a live model."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from ownmark.api.data import samples_of
from ownmark.api.lending import lend
from ownmark.api.results import Attacked
from ownmark.api.speaking import speaking
from ownmark.contracts.samples import Samples
from ownmark.contracts.views import predictions
from ownmark.discovery import discover
from ownmark.methods import Kind


@speaking
def attack(
    model: nn.Module,
    method: str | Mapping[str, Any],
    data: Any,
    *,
    test: Any = None,
    given: Mapping[str, Any] | None = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    seed: int = 0,
    device: str = "auto",
) -> Attacked:
    """Attack a copy of a model.

    Args:
        model, data, test, mean, std: as for `mark`; the thief's images are drawn from `data`.
        method: as in a plan, `"prune"` or `{"prune": {"sparsity": 0.8}}`.
        given: what the thief holds, as a plan's `attacker`: `{"data": 500, "labels": False}`.

    Raises:
        PlanError: no such attack, or parameters that it does not take.
        NotApplicable: the attack does not work on this network, or needs images that are not granted.
    """
    import json

    from ownmark.ownership import attack as attack_folder
    from ownmark.ownership.folder import Release, Structure, model_state
    from ownmark.runner.cell import Spec, canonical
    from ownmark.runner.plan import Split

    with tempfile.TemporaryDirectory(prefix="ownmark-") as folder:
        work = Path(folder)
        lent = lend(model, data, work, test=test, mean=mean, std=std)
        host, dataset = (
            Spec(name, canonical(params), name) for one in (lent.host, lent.dataset) for name, params in one.items()
        )  # fmt: skip
        release = Release(
            Structure(host, lent.images.shape, lent.images.classes, inputs=lent.images.inputs),
            dataset,
            Split(reserve=0.0),
        )
        (work / "released").mkdir()
        release.write(work / "released", model.state_dict())
        spelled = method if isinstance(method, str) else json.dumps(dict(method))
        holds = {"source": "owner", **(given or {})}
        left = attack_folder(
            work / "released", spelled, work / "left", given=json.dumps(holds), trust=True, seed=seed, device=device
        )  # fmt: skip
        catalog = discover()
        after = Release.read(left.folder)
        network = after.restored(catalog, model_state(left.folder), "the suspect")
        served = after.served(catalog, network)
        bare = catalog.build(Kind.HOST, host.id, host.parameters).bare(network)
        built = catalog.build(Kind.HOST, host.id, host.parameters).around(copy.deepcopy(model).cpu())
        tested = samples_of(test, mean, std, "test") if test is not None else lent.images.test
        accuracy = {"before": _accuracy(built, tested), "after": _accuracy(served, tested)}
    return Attacked(bare, accuracy, dict(left.exhibits))


def _accuracy(network: nn.Module, test: Samples) -> float:
    return float((predictions(network, test.x).cpu() == test.labels).float().mean())
