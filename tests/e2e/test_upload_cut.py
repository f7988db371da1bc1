"""A large file over a bad line: benchmarks.upload in its quick form, whose figures are promises."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(900)
def test_two_gigabytes_arrive_over_a_line_that_is_cut_a_hundred_times(root: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.upload", "--quick"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["size_gb"], figures["cuts"]) == (2.0, 100)
    assert figures["service_rss_mb"] < 100
    assert figures["disk_mb"] < 50
