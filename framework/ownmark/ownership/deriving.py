"""Is a key the one that the committed secret and the public randomness give? Drawn again through `make_key`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ownmark.config import to_plain
from ownmark.contracts.key import Key
from ownmark.contracts.scheme import Scheme
from ownmark.discovery import Catalog, discover
from ownmark.errors import PlanError, UntrustedFile
from ownmark.methods import Kind, Need
from ownmark.ownership.commitment import PUBLIC, Commitment, Secret, read_commitment, write_commitment
from ownmark.ownership.data import fingerprint_of, images_of
from ownmark.ownership.folder import Claim, Release
from ownmark.ownership.stamps import stamped_by
from ownmark.ownership.sums import require_sums
from ownmark.ownership.trust import require_no_code
from ownmark.runner.cell import Cell, Spec, canonical
from ownmark.runner.qualify import qualified
from ownmark.runner.resolve import needs_of
from ownmark.runner.seeds import rng_for
from ownmark.runner.splits import divide, task_of


def statement_of(catalog: Catalog, dataset: Spec, host: Spec, scheme: Spec, split: Any) -> dict[str, Any]:
    """What a commitment says beside the secret: every parameter that a key depends on, defaults included."""
    data = fingerprint_of(catalog, dataset, _home(catalog, dataset))
    named = {"dataset": (Kind.DATASET, dataset), "host": (Kind.HOST, host), "scheme": (Kind.SCHEME, scheme)}
    methods = {}
    for role, (kind, spec) in named.items():
        full = qualified(
            catalog, kind, spec, _home(catalog, spec)
        )  # the same whether a plan or a claim names it
        declaration, config, _ = catalog.validate(
            kind, full.id, full.parameters, home=catalog.home_of(full.id)
        )
        methods[role] = {"id": declaration.name, "params": {} if config is None else to_plain(config)}
    return {**methods, "data": data, "split": split.plain()}


def _built(catalog: Catalog, kind: Kind, spec: Spec) -> Any:
    return catalog.build(kind, spec.id, spec.parameters, home=_home(catalog, spec))


def _home(catalog: Catalog, spec: Spec) -> str:
    return catalog.home_of(spec.id) if "/" in spec.id else ""


def commit(
    plan: str | Path, into: Path, catalog: Catalog | None = None, authority: str | None = None
) -> Commitment:
    """Commit to a secret and to a plan's task and scheme; `embed` then draws the key from it.

    Args:
        authority: address of a time stamping authority (RFC 3161), whose stamp is put beside the commitment.

    Raises:
        PlanError: the plan names several tasks or schemes.
        OwnmarkError: the folder exists, or the authority gave no stamp.
    """
    from ownmark.ownership.embedding import single_cell

    catalog = catalog or discover()
    cell, split = single_cell(plan, catalog)
    stamp = None if authority is None else stamped_by(authority)
    return write_commitment(into, Secret.drawn(), _statement(catalog, cell, split), stamp)


def _statement(catalog: Catalog, cell: Cell, split: Any) -> dict[str, Any]:
    return statement_of(catalog, cell.task.dataset, cell.task.host, cell.scheme, split)


def committed_seed(
    catalog: Catalog, cell: Cell, split: Any, folder: Path, randomness: str
) -> tuple[int, dict[str, Any]]:
    """The seed that a commitment gives, and what the claim keeps of it.

    Raises:
        UntrustedFile: the commitment's files do not belong together.
        PlanError: the plan is not the one that was committed to; says where it differs.
    """
    commitment, secret = read_commitment(folder)
    now = _statement(catalog, cell, split)
    differs = [
        name
        for name in now.keys() | commitment.statement.keys()
        if now.get(name) != commitment.statement.get(name)
    ]
    if differs:
        raise PlanError(
            [f"{folder / PUBLIC}: was made for another {', '.join(sorted(differs))} than this plan's"]
        )
    return secret.seed(randomness), {"sha256": commitment.digest, "randomness": randomness.strip()}


def derived(
    mark: Path, owner: Claim, release: Release, catalog: Catalog, trusted: bool = False
) -> dict[str, Any] | None:
    """What a judge finds of a mark's derivation; None for a mark whose key its owner may have chosen.

    Args:
        trusted: the mark may name code and files.

    Raises:
        UntrustedFile: the key, or what it was drawn with, is not what was committed to; says what differs.
    """
    told = owner.about.get("derivation")
    if told is None:
        return None
    folder, release = mark / "owner", owner.origin(release)
    require_sums(folder)
    commitment, secret = read_commitment(folder)
    if commitment.digest != told["sha256"]:
        raise UntrustedFile(f"{folder / PUBLIC}: is not the commitment that claim.json names")
    described = owner.about["scheme"]
    scheme = Spec(described["id"], canonical(described["params"]))
    for kind, spec in () if trusted else ((Kind.SCHEME, scheme), (Kind.DATASET, release.source)):
        require_no_code(catalog, kind, spec, str(mark), None, "--trust-mark")
    now = statement_of(catalog, release.source, release.structure.host, scheme, release.split)
    for name, value in now.items():
        if value != commitment.statement.get(name):
            raise UntrustedFile(f"{folder}: the mark's {name} is not what was committed to")
    found = {"commitment": commitment.digest, "randomness": told["randomness"]}
    if Need.EMBEDDED_KEY in needs_of(catalog, Kind.SCHEME, scheme.id, scheme.parameters):
        return {**found, "key": "is completed in embedding, so that only its randomness can be drawn again"}
    drawn = _drawn(catalog, owner, release, scheme, secret.seed(told["randomness"]))
    if wrong := _differences(drawn, owner.key):
        raise UntrustedFile(
            f"{folder / 'key.safetensors'}: {', '.join(wrong)} not as secret and randomness give it"
        )
    return {**found, "key": "is what secret and randomness give"}


def _drawn(catalog: Catalog, owner: Claim, release: Release, marking: Spec, seed: int) -> Key:
    images = images_of(catalog, release.source, _home(catalog, release.source))
    parts = divide(images, release.split)
    scheme: Scheme = _built(catalog, Kind.SCHEME, marking)
    needs = needs_of(catalog, Kind.SCHEME, marking.id, marking.parameters, _home(catalog, marking))
    task = task_of(owner.about["task"], parts, needs, release.structure.builder(catalog).goal)
    return scheme.make_key(task, rng_for("key", seed)).to("cpu")


def _differences(drawn: Key, kept: Key) -> list[str]:
    """Names of what was drawn and is not in the key; embedding may add to it, and fill in what was left open."""
    wrong = ["scheme"] if drawn.scheme != kept.scheme else []
    for name, tensor in drawn.tensors.items():
        other = kept.tensors.get(name)
        if other is None or other.dtype != tensor.dtype or not torch.equal(tensor.cpu(), other.cpu()):
            wrong.append(name)
    told = canonical(dict(drawn.values)), canonical({name: kept.values.get(name) for name in drawn.values})
    if told[0] != told[1]:
        wrong += [
            name for name, value in drawn.values.items()
            if value not in (None, "") and canonical({"v": value}) != canonical({"v": kept.values.get(name)})
        ]  # fmt: skip
    return wrong
