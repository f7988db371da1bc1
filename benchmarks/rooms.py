"""Live rooms with many people: how long a line of chat takes to everybody, and a stroke on what all look at.

The generator is open-loop and everything is on: gateway, WebSocket, rights, each line kept before anybody is told.
"""

import argparse
import json
import secrets
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import generator
from benchmarks.footage import footage
from benchmarks.stack import Stack, running
from benchmarks.studio import ROOM, Studio
from rushes.signaling.v1 import room_service_pb2 as signaling

ROOMS, EACH = 200, 5


class Run:
    """A stack, people, and loads against it."""

    def __init__(self, stack: Stack, people: int) -> None:
        self._stack = stack
        self._studio = Studio(stack)
        self._folder = Path(tempfile.mkdtemp(prefix="rooms-"))
        self._sessions = self._lines("sessions", [*self._studio.people(people), self._studio.secret])

    def _lines(self, name: str, lines: Sequence[str]) -> Path:
        path = self._folder / name
        path.write_text("\n".join(lines) + "\n")
        return path

    def _load(self, name: str, **options: object) -> dict[str, Any]:
        where = {"url": self._stack.address, "sessions": self._sessions, "project": self._studio.project_id}
        result = generator.load({**where, **options}, self._stack.pids())
        say(name, result)
        return result

    def chat(self, name: str, rooms: int, people: int, writers: int, rate: float, seconds: float) -> dict[str, Any]:
        """People in rooms of their own, of whom some say something."""
        made = self._lines("rooms", [self._room(people) for _ in range(rooms)])
        options = {"mode": "rooms", "rooms": made, "writers": writers, "readers": rooms * people - writers}
        return self._load(name, rate=rate, seconds=seconds, presence=0, **options)

    def _room(self, people: int) -> str:
        request = signaling.CreateRoomRequest(
            project_id=self._studio.project_id,
            title="Dailies",
            capacity=max(2, people),
            request_id=secrets.token_hex(16),
        )
        room_id: str = self._stack.rpc(ROOM, "CreateRoom", request, self._studio.secret).room.room_id
        return room_id

    def whiteboard(self, people: int, seconds: float) -> dict[str, Any]:
        """Five draw on one picture, all see it."""
        video = self._studio.video(footage())
        name = f"whiteboard: 5 draw, {people:,} look at it"
        options = {"video": video.video_id, "writers": 5, "readers": people - 5, "rate": 1, "delivery": 3}
        return self._load(name, seconds=seconds, **options)


def say(name: str, result: dict[str, Any]) -> None:
    """A line for people."""
    print(
        f"{name:<44} {result['deliveries']:>9,} deliveries  p50 {result['p50_ms']:6.1f}  p99 {result['p99_ms']:6.1f}  "
        f"max {result['max_ms']:6.1f} ms  missing {result['missing']} twice {result['duplicated']} "
        f"refused {result['refused']}  CPU {result['cpu_s']:5.1f} s  "
        f"generator: lag p99 {result['lag_p99_ms']:.1f} ms, CPU {result['generator_cpu_s']:.1f} s"
        + "  by process: "
        + ", ".join(f"{name} {spent:.1f}" for name, spent in result["cpu_s_by_process"].items() if spent >= 0.1)
        + (f"  ERROR {result['error']}" if result["error"] else ""),
        flush=True,
    )


PARTS = ("chat", "whiteboard", "small")


def measured(run: Run, parts: Sequence[str], quick: bool) -> dict[str, dict[str, Any]]:
    """The loads."""
    people, rooms, seconds = (200, 40, 6.0) if quick else (1_000, ROOMS, 15.0)
    loads: dict[str, Callable[[], dict[str, Any]]] = {
        "chat": lambda: run.chat(f"chat: one room of {people:,}, 2 lines a second", 1, people, 4, 0.5, seconds),
        "whiteboard": lambda: run.whiteboard(people, seconds),
        "small": lambda: run.chat(f"chat: {rooms} rooms of {EACH}, a line each 2 s", rooms, EACH, rooms, 0.5, seconds),
    }
    return {part: loads[part]() for part in parts}


def main() -> None:
    """Runs the loads and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute: rooms of 200, and 40 of 5")
    parser.add_argument("--part", action="append", choices=PARTS, help="this alone, or these")
    options = parser.parse_args()
    generator.build()
    with running(None, RUSHES_SIGNALING__OPEN_ROOMS=str(ROOMS + 10)) as stack:
        found = measured(Run(stack, 20), options.part or PARTS, options.quick)
    print(json.dumps({f"{part}_p99_ms": each["p99_ms"] for part, each in found.items()}))
    sys.exit(any(each["missing"] or each["duplicated"] or each["error"] for each in found.values()))


if __name__ == "__main__":
    main()
