"""Parameters that both attacks share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import TypeAdapter, model_validator

from ownmark.config import Nested, configuration
from ownmark.methods import Kind


@configuration
class ForgeryConfig:
    """Whose kind of mark is forged, and how the forger's key is read."""

    scheme: Annotated[Nested, Kind.SCHEME]
    """The scheme, with the parameters that the forger uses; one that can start from scratch needs `start: trained`.
    A forger who does not know the owner's layer names another one here."""
    extractor: Annotated[Nested | None, Kind.EXTRACTOR] = None
    """What reads the forger's key; by default the extractor of the scheme's name."""
    access: Literal["white-box", "black-box"] = "white-box"
    """What that extractor is given: weights, or predictions."""
    labels: Literal["predicted", "granted"] = "predicted"
    """The stolen network's own labels for the attacker's images (SoK), or the true ones where they are granted."""

    @model_validator(mode="before")
    @classmethod
    def _extractor_of_that_name(cls, value: Any) -> Any:
        """Without an extractor, take the one that is called like the scheme."""
        fields = value.kwargs if hasattr(value, "kwargs") else value
        if not isinstance(fields, Mapping) or "scheme" not in fields or fields.get("extractor") is not None:
            return value
        try:
            scheme = TypeAdapter(Nested).validate_python(fields["scheme"])
        except ValueError:
            return value
        return {**fields, "extractor": scheme.id}
