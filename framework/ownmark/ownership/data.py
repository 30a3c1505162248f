"""The data behind a mark, loaded outside of a run; what breaks off there is pinned on the pack it is of."""

from __future__ import annotations

from ownmark.contracts.dataset import Dataset, Images
from ownmark.contracts.returned import returned
from ownmark.discovery import Catalog
from ownmark.errors import blamed
from ownmark.methods import Kind
from ownmark.runner.cell import Spec


def images_of(catalog: Catalog, spec: Spec, home: str | None = None) -> Images:
    """The images of a dataset.

    Args:
        home: as for `Catalog.find`; the distribution that the name states if not given.

    Raises:
        PackFault: they cannot be loaded, by a fault of the pack.
    """
    dataset, pack = _built(catalog, spec, home)
    with blamed(f"dataset {spec.label}", pack):
        return returned(dataset.load(), Images, "load")


def fingerprint_of(catalog: Catalog, spec: Spec, home: str | None = None) -> str:
    """The fingerprint of a dataset; otherwise as `images_of`."""
    dataset, pack = _built(catalog, spec, home)
    with blamed(f"fingerprint of dataset {spec.label}", pack):
        return dataset.fingerprint()


def _built(catalog: Catalog, spec: Spec, home: str | None) -> tuple[Dataset, str]:
    home = catalog.home_of(spec.id) if home is None else home
    dataset: Dataset = catalog.build(Kind.DATASET, spec.id, spec.parameters, home=home)
    return dataset, catalog.whose(catalog.find(Kind.DATASET, spec.id, home))
