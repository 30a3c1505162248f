"""What an attacker is given."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ownmark.config import configuration


def _amount(value: Any) -> Any:
    """A number of images, a fraction, or a word."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = isinstance(value, int) and 0 <= value <= 10**9
    if value in ("none", "all") or (number and (whole or (isinstance(value, float) and 0 < value <= 1))):
        return value
    raise ValueError(
        f"expected a number of images, a fraction up to 1.0, `all` or `none`, found {value!r:.60}"
    )


PROTOCOLS: dict[str, dict[str, Any]] = {
    "app": {"data": "all", "labels": True, "source": "disjoint"},
    "mira-in-distribution": {"data": 1000, "labels": True, "source": "owner"},
    "mira-transfer": {"data": "none", "labels": False, "transfer": 2000},
    "mira-data-free": {"data": "none", "labels": False},
    "laundering-0.6": {"data": 0.006, "labels": True},
    "laundering-10.8": {"data": 0.108, "labels": True},
}
"""Grants of the papers by name: APP's 20 % that the owner never saw; MIRA's three; the laundering paper's shares."""


RESERVES = {"app": 0.2}
"""Protocols that say how the training images are divided: the share that the owner never sees."""


@configuration
class Given:
    """The threat model: what an attacker holds, the stolen network included."""

    protocol: Literal[
        "",
        "app",
        "mira-in-distribution",
        "mira-transfer",
        "mira-data-free",
        "laundering-0.6",
        "laundering-10.8",
    ] = ""
    """A paper's grant by name, which sets the fields below; a plan may not contradict it."""
    data: Annotated[int | float | Literal["none", "all"], BeforeValidator(_amount)] = "all"
    """In-distribution images: a number, a fraction of the training set, `all` of the attacker's pool, or `none`."""
    labels: bool = True
    """Whether the true labels come with them."""
    source: Literal["disjoint", "owner"] = "disjoint"
    """Drawn from images that the owner never trained on (APP), or from the owner's training data (MIRA, PST)."""
    transfer: int = Field(default=0, ge=0, le=10**9)
    """Unlabelled images of the plan's `transfer` dataset."""
    access: Literal["weights", "scores", "labels"] = "weights"
    """The marked network itself, or only its answers to queries: class probabilities, or labels. An attack that works
    by queries is given scores where the plan grants weights."""
    queries: int | None = Field(default=None, ge=1, le=10**12)
    """Images that an attacker without the weights may ask about, at most; none: no limit."""
    copies: int = Field(default=1, ge=1, le=100)
    """Marked copies of the host, each with a key of its own, for attacks in which thieves collude."""

    @model_validator(mode="before")
    @classmethod
    def _as_named(cls, value: Any) -> Any:
        """`app` and `{protocol: app}` stand for the grant of that name.

        Raises:
            ValueError: a field says otherwise.
        """
        fields = value.kwargs if hasattr(value, "kwargs") else value
        fields = {"protocol": fields} if isinstance(fields, str) else fields
        if not isinstance(fields, dict):
            return value
        named = PROTOCOLS.get(str(fields.get("protocol")), {})
        for name in sorted(set(named) & set(fields)):
            if fields[name] != named[name]:
                raise ValueError(
                    f"protocol {fields['protocol']} grants {name}: {named[name]}, not {fields[name]!r:.40}; "
                    "leave one of them out"
                )
        return {**named, **fields}


def changed(given: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A grant with an entry's changes: one that differs from a protocol is no longer of that name."""
    if "protocol" in changes:
        return changes
    return {**given, **({"protocol": ""} if changes else {}), **changes}
