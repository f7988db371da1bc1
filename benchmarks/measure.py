"""What processes cost: CPU seconds and memory, from /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds, user and system, that processes have used (their threads included, ended children not)."""
    return sum(sum(user_and_system_s(pid)) for pid in pids)


def user_and_system_s(pid: int) -> tuple[float, float]:
    """CPU seconds of one process: its own, and the kernel's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / _TICKS, int(fields[12]) / _TICKS


def pss_mb(pids: Iterable[int]) -> float:
    """Proportional set size: shared pages are counted once among those that share them."""
    total_kb = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total_kb += int(line.split()[1])
    return total_kb / 1024
