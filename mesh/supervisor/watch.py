"""The supervisor's loop: starts services, hears that they are ready, starts those again that die, and ends them all."""

import contextlib
import json
import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mesh.supervisor.child import Child, start
from mesh.supervisor.plan import SERVICES, STEADY_S, Plan, backoff_s

STOP_S = 8.0


class Supervisor:
    """One thread, no event loop, nothing of gRPC: so that it can fork."""

    def __init__(self, plan: Plan, say: Callable[[str], None], *, ready_file: Path | None, exec_mode: bool) -> None:
        self._plan = plan
        self._say = say
        self._ready_file = ready_file
        self._exec_mode = exec_mode
        self._children: dict[str, Child] = {}
        self._again: dict[str, float] = {}
        self._deaths: dict[str, int] = dict.fromkeys(SERVICES, 0)
        self._was_ready = False
        self.stopping = False
        self.failed = False

    def run(self, on_ready: Callable[[dict[str, Any]], None]) -> int:
        """Until SIGINT or SIGTERM. Gives the exit code."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        os.set_blocking(reading, False)
        signal.set_wakeup_fd(writing)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._told_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for name in SERVICES:
            self._start(name)
        while not self.stopping:
            self._wait(reading)
            self._reap()
            self._restart_due()
            if all(child.ready for child in self._children.values()) and len(self._children) == len(SERVICES):
                self._all_ready(on_ready)
        self._stop()
        return 1 if self.failed else 0

    def _told_to_stop(self, number: int, frame: object) -> None:
        self.stopping = True

    def _log_file(self, name: str) -> Path:
        return self._plan.data / "logs" / f"{name}.log"

    def _start(self, name: str) -> None:
        environment = self._plan.environment(name)
        pid, pipe = start(name, environment, self._log_file(name), exec_mode=self._exec_mode)
        self._children[name] = Child(name, pid, pipe, time.monotonic(), self._deaths[name])

    def _wait(self, wakeup: int) -> None:
        """Until a signal, a word of readiness, or the next start that is due."""
        pipes = {child.pipe: child for child in self._children.values() if child.pipe >= 0}
        due = min(self._again.values(), default=time.monotonic() + 1.0)
        try:
            readable, _, _ = select.select([wakeup, *pipes], [], [], max(0.0, due - time.monotonic()))
        except InterruptedError:
            return
        for descriptor in readable:
            if descriptor == wakeup:
                with contextlib.suppress(BlockingIOError):
                    os.read(wakeup, 4096)
            else:
                self._hear(pipes[descriptor])

    def _hear(self, child: Child) -> None:
        data = os.read(child.pipe, 65536)
        child.said += data
        if data and b"\n" not in child.said:
            return
        os.close(child.pipe)
        child.pipe = -1
        if b"\n" in child.said:
            child.addresses = json.loads(child.said)["addresses"]
            child.ready = True
            if child.name == "gateway" and self._plan.port == 0:
                # "Any port" means one for good: people come back to it after a restart.
                self._plan = replace(self._plan, port=int(child.addresses["http"].rsplit(":", 1)[1]))
            if self._was_ready:
                self._say(f"{child.name} is back.")

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = next((c for c in self._children.values() if c.pid == pid), None)
            if child is not None:
                self._died(child, status)

    def _died(self, child: Child, status: int) -> None:
        del self._children[child.name]
        if child.pipe >= 0:
            os.close(child.pipe)
        if self.stopping:
            return
        steady = time.monotonic() - child.started_s > STEADY_S
        self._deaths[child.name] = deaths = 1 if steady else self._deaths[child.name] + 1
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit code {os.WEXITSTATUS(status)}"
        if not self._was_ready and not child.ready and deaths >= 3:
            self._say(f"{child.name} does not start ({how}). The end of its log:\n{self._log_end(child.name)}")
            self.failed = self.stopping = True
            return
        wait_s = backoff_s(deaths)
        self._again[child.name] = time.monotonic() + wait_s
        self._say(f"{child.name} ended ({how}); starting it again" + (f" in {wait_s:g} s." if wait_s else "."))

    def _log_end(self, name: str) -> str:
        try:
            lines = self._log_file(name).read_text(errors="replace").splitlines()[-15:]
        except OSError:
            return ""
        return "\n".join(f"  {line[:400]}" for line in lines)

    def _restart_due(self) -> None:
        now = time.monotonic()
        for name in [name for name, due in self._again.items() if due <= now]:
            del self._again[name]
            self._start(name)

    def _all_ready(self, on_ready: Callable[[dict[str, Any]], None]) -> None:
        described = self._described()
        if self._ready_file is not None and described != getattr(self, "_written", None):
            self._written = described
            temporary = self._ready_file.with_name(self._ready_file.name + ".part")
            temporary.write_text(json.dumps(described, indent=2))
            temporary.replace(self._ready_file)
        if not self._was_ready:
            self._was_ready = True
            on_ready(described)

    def _described(self) -> dict[str, Any]:
        services = {name: {"pid": child.pid, **child.addresses} for name, child in sorted(self._children.items())}
        address = self._children["gateway"].addresses.get("http", "")
        return {"address": address, "data": str(self._plan.data), "services": services}

    def _stop(self) -> None:
        """SIGTERM to all, the gateway first; whoever has not ended after 8 seconds is killed."""
        self._say("Stopping; everything acknowledged is saved.")
        for name in reversed(SERVICES):
            if name in self._children:
                self._signal(name, signal.SIGTERM)
        end = time.monotonic() + STOP_S
        while self._children and time.monotonic() < end:
            self._reap()
            time.sleep(0.02)
        for name in list(self._children):
            self._say(f"{name} did not end in time and is killed.")
            self._signal(name, signal.SIGKILL)
        if self._ready_file is not None:
            self._ready_file.unlink(missing_ok=True)

    def _signal(self, name: str, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._children[name].pid, number)
