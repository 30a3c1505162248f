"""Devices by name: what is not there is refused before anything is computed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ownmark.errors import OwnmarkError

if TYPE_CHECKING:
    import torch

_NAME = re.compile(r"(cpu|mps|cuda|xpu)(:\d{1,4})?")


def device_called(name: str | torch.device) -> torch.device:
    """The device of that name, or one of torch; `auto` takes a CUDA device if there is one.

    Raises:
        OwnmarkError: no such device here.
    """
    import torch

    name = str(name)
    if name == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    if not _NAME.fullmatch(name):
        raise OwnmarkError(f"--device {name!r:.40}: no device is called so; {_choice()}")
    device = torch.device(name)
    try:
        torch.zeros(1, device=device).add(1).cpu()
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise OwnmarkError(f"--device {name}: not usable here ({reason}); {_choice()}") from error
    return device


def _choice() -> str:
    import torch

    found = ["auto", "cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    found += ["mps"] * torch.backends.mps.is_available()
    return f"here are {', '.join(found)}"
