"""What beside its weights makes a network run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from ownmark.contracts.host import Host
from ownmark.contracts.loading import load_weights, without_wrapper
from ownmark.contracts.partial import alone
from ownmark.contracts.restoring import restored
from ownmark.contracts.returned import built
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.tasks import PIXELS, Inputs, Shape
from ownmark.discovery import Catalog
from ownmark.errors import Unreadable, blamed
from ownmark.foreign import paragraph, shown
from ownmark.methods import Kind
from ownmark.runner.cell import Spec

PRIVATE = frozenset({"recipe", "weights", "null_weights"})
"""Parameters of hosts that say how a network was made; no network is built from them."""


@dataclass(frozen=True)
class Structure:
    """What beside its weights makes a network run.

    Args:
        shape, classes: of the task. host: what was trained.
        layers: the scheme, where the released network has other layers than the host; else None.
        inputs: of the task, if not pixels.
    """

    host: Spec
    shape: Shape
    classes: int
    layers: Spec | None = None
    inputs: Inputs = PIXELS

    def blank(self, catalog: Catalog) -> nn.Module:
        """An untrained host."""
        return self._built(catalog, self.builder(catalog))

    def _built(self, catalog: Catalog, host: Host) -> nn.Module:
        method = catalog.find(Kind.HOST, self.host.id, catalog.home_of(self.host.id))
        with blamed(f"host {self.host.label}", catalog.whose(method)):
            return built(host, self.shape, self.classes)

    def builder(self, catalog: Catalog) -> Host:
        """The host, of the distribution that its name states."""
        home = catalog.home_of(self.host.id)
        found: Host = catalog.build(Kind.HOST, self.host.id, self.host.parameters, home=home)
        return found

    def load(self, catalog: Catalog, state: Mapping[str, Tensor], where: str) -> nn.Module:
        """A network of this structure with these weights, in eval mode on the CPU; layers may have other widths.

        Raises:
            Unreadable: the weights are those of another structure; says which tensors differ.
        """
        try:
            if self.layers is None:
                return self._of_host(catalog, state).eval()
            return self._of_scheme(catalog, state).eval()
        except (RuntimeError, KeyError, Unreadable) as error:
            host = shown(self.host.label.rpartition("/")[2], 60)
            raise Unreadable(
                f"{where}: not the weights of {host} for {self.shape} inputs and {self.classes} classes; "
                "a suspect of another structure can only be asked (give a function or an address). "
                f"{paragraph(error, 600)}"
            ) from error

    def _of_host(self, catalog: Catalog, state: Mapping[str, Tensor]) -> nn.Module:
        """The names may be those of the whole network, or of the part that its owner knows."""
        host = self.builder(catalog)
        network = self._built(catalog, host)
        bare = host.bare(network)
        state = alone(bare.state_dict(), host.renamed(bare, state))
        if bare is network:
            return load_weights(network, state)
        try:
            load_weights(bare, state)
        except (RuntimeError, KeyError, Unreadable):
            load_weights(network, state)
        return network

    def _of_scheme(self, catalog: Catalog, state: Mapping[str, Tensor]) -> nn.Module:
        """The scheme says which layers; the names are tried as they are, then without what wraps all of them."""
        assert self.layers is not None
        scheme: Scheme = catalog.build(
            Kind.SCHEME, self.layers.id, self.layers.parameters, home=catalog.home_of(self.layers.id)
        )
        try:
            return restored(scheme, self.blank(catalog), state, self.shape, self.classes)
        except (RuntimeError, KeyError, Unreadable):
            inner = without_wrapper(state)
            if inner is None:
                raise
            return self._of_scheme(catalog, inner)
