"""The architecture as tests: packs stay apart, listing stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {"config", "contracts", "errors", "hookspecs", "loops", "methods", "stats"}
SOURCES = sorted(path for path in ROOT.glob("plugins/*/ownmark_*/**/*.py") if "tests" not in path.parts)


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "plugins")))
def test_pack_imports_only_the_layers_meant_for_packs_and_no_other_pack(path: Path) -> None:
    own = next(part for part in path.parts if part.startswith("ownmark_"))
    for name in _imports(path):
        parts = name.split(".")
        assert not parts[0].startswith("ownmark_") or parts[0] == own, f"imports the pack {parts[0]}"
        if parts[0] == "ownmark" and len(parts) > 1:
            assert parts[1] in ALLOWED, f"imports {name}"


@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["plugins"]], ids=" ".join)
def test_light_commands_do_not_import_torch(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from ownmark.cli import main\n"
        "try:\n    main(sys.argv[1:], standalone_mode=True)\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'torch', 'pytorch_lightning', 'torchmetrics', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout
