"""What a method gives back, looked at before anything is made of it: a slip is named where it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from torch import nn

from ownmark.contracts.dataset import Images
from ownmark.contracts.evidence import Evidence
from ownmark.contracts.key import Key
from ownmark.contracts.views import Marked, Suspect

if TYPE_CHECKING:
    from ownmark.contracts.host import Host
    from ownmark.contracts.tasks import Shape

T = TypeVar("T")

_HOW: dict[type, str] = {
    Key: "return Key('mymark', {'bits': bits}, {'seed': seed})",
    Marked: "return Marked(network, key)",
    Suspect: "return Suspect(network)",
    Evidence: "return Evidence(matches, chance=0.5), with one True or False a symbol",
    Images: "return Images(train, test, classes)",
    nn.Module: "return a torch.nn.Module",
}


def returned(value: Any, wanted: type[T], by: str) -> T:
    """The value, if it is what its contract says.

    Args:
        by: what gave it, such as `embed`.

    Raises:
        TypeError: it is something else; says what to return.
    """
    if isinstance(value, wanted):
        return value
    found = "nothing" if value is None else f"a {type(value).__name__}"
    raise TypeError(f"{by} gives {found} where the contract has {wanted.__name__}; {_HOW[wanted]}")


def built(host: Host, shape: Shape, classes: int) -> nn.Module:
    """What `host.build` gives.

    Raises:
        TypeError: it gives something else than a network.
    """
    return returned(host.build(shape, classes), nn.Module, "build")
