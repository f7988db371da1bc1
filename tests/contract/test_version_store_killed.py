"""SIGKILL at every statement and every file of each step, of a real process: all versions are whole, and what was
asked for is done when it is asked for again.
"""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("step", ["commit", "tag", "work", "snapshot", "move", "bring_back"])
def test_killed_anywhere_no_version_is_lost(tmp_path: Path, step: str) -> None:
    command = [sys.executable, "-m", "tests.contract.version_killed", str(tmp_path), step]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-4_000:]
    assert int(done.stdout) > 4
