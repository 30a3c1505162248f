"""What importing the package costs."""

import subprocess
import sys


def test_importing_stats_loads_neither_scipy_nor_torch() -> None:
    code = "import sys, ownmark.stats; print(sorted({'scipy', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
