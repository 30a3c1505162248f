"""Functions that name no module have no file to compare with; those that do are compared."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from ownmark.errors import StaleModule
from ownmark.runner.loaded import require_current

SOURCE = """\
def kept():
    return 1

made = {}
exec("def inner(): return 2", {"__name__": None}, made)
inner = made["inner"]

class Holder:
    exec("def method(self): return 3", {"__name__": None}, made)
    method = made["method"]
"""


@pytest.mark.parametrize("edited", [False, True], ids=["as it was", "edited"])
def test_functions_without_a_module_are_passed_over(
    edited: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"loaded_with_nameless_{edited}".lower()
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module(name)
    assert module.inner.__module__ is None
    assert module.Holder.method.__module__ is None
    if edited:
        (tmp_path / f"{name}.py").write_text(SOURCE.replace("return 1", "return 10"))
        with pytest.raises(StaleModule):
            require_current(name)
    else:
        require_current(name)
    sys.modules.pop(name)
