"""What stands in the place of a network that an attacker may query and does not hold."""

from __future__ import annotations

from typing import Any

from torch import nn

from ownmark.errors import NotApplicable


class Withheld(nn.Module):
    """A network that cannot be looked at, called or copied; `Stolen.box` is what such an attacker has."""

    def __init__(self) -> None:  # nothing to set up, and nn.Module's own looks at attributes
        pass

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            return super().__getattribute__(name)
        raise NotApplicable(f"this attacker is granted answers, not weights ({name}); query `stolen.box`")

    def __setattr__(self, name: str, value: Any) -> None:
        raise NotApplicable(
            f"this attacker is granted answers, not weights ({name} cannot be set); query `stolen.box`"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refused like everything else."""
        raise NotApplicable("this attacker is granted answers, not weights; query `stolen.box`")

    def __deepcopy__(self, memo: dict[int, Any]) -> Withheld:
        raise NotApplicable("this attacker is granted answers, not weights to copy; query `stolen.box`")

    def __repr__(self) -> str:
        return "Withheld()"
