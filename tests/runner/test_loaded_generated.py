"""Functions that generated code defined name no module; they have no file to be compared with."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from ownmark.runner.loaded import require_current

SOURCES = {
    "of code that was made": "import types\nfound = types.FunctionType((lambda x: x).__code__, {})\n",
    "of text that was run": "made = {}\nexec('def found(x):\\n    return x', made)\nfound = made['found']\n",
    "with no module at all": "def found(x):\n    return x\nfound.__module__ = None\n",
}


@pytest.mark.parametrize("kind", SOURCES)
def test_generated_functions_are_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    name = f"generated_{list(SOURCES).index(kind)}"
    (tmp_path / f"{name}.py").write_text(SOURCES[kind])
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(name)
    try:
        assert not module.found.__module__ or module.found.__module__ == "builtins"
        require_current(name)
    finally:
        del sys.modules[name]
