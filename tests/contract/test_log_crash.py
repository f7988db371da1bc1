"""The embedded log is killed in the middle of its work, many times, and loses nothing that it acknowledged."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from svc_annotation.stores.segment import open_segment_log
from tests.contract.log_reading import take_all

KILLS = 24
ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("log_child.py")


def run_and_kill(folder: Path, run: int, acknowledgements: int) -> list[tuple[int, int, bytes]]:
    """Lets a child append, kills it once it has printed so many lines, and returns all that it printed."""
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(folder), str(run)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    with child.stdout as output:
        lines = [output.readline() for _ in range(acknowledgements)]
        child.send_signal(signal.SIGKILL)
        lines += output.readlines()
    assert child.wait() == -signal.SIGKILL
    found = []
    for line in lines:
        if line.endswith(b"\n"):  # the last one may be cut off
            partition, offset, payload = line.rstrip(b"\n").split(b" ")
            found.append((int(partition), int(offset), payload))
    return found


async def test_a_log_that_is_killed_many_times_holds_each_acknowledged_record_once_and_in_order(
    tmp_path: Path,
) -> None:
    chance = random.Random(20)
    acknowledged: dict[int, dict[int, bytes]] = {partition: {} for partition in range(5)}
    for run in range(KILLS):
        for partition, offset, payload in run_and_kill(tmp_path, run, chance.randrange(1, 600)):
            assert offset not in acknowledged[partition]
            acknowledged[partition][offset] = payload

    log = await open_segment_log(tmp_path)
    assert not log.damage
    assert sum(map(len, acknowledged.values())) > KILLS
    for partition, expected in acknowledged.items():
        entries = await take_all(log, partition)
        assert [entry.offset for entry in entries] == list(range(len(entries)))
        payloads = [entry.payload for entry in entries]
        assert len(set(payloads)) == len(payloads)
        assert {offset: payloads[offset] for offset in expected} == expected
        assert_each_writer_in_order(payloads)
    await log.close()


def assert_each_writer_in_order(payloads: list[bytes]) -> None:
    """A writer awaits each append, so within one life of the process its numbers only grow."""
    last: dict[tuple[bytes, bytes], int] = {}
    for payload in payloads:
        run, writer, number, _ = payload.split(b":")
        assert int(number) == last.get((run, writer), -1) + 1
        last[run, writer] = int(number)
