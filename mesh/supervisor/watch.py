"""The supervisor's loop: starts services, hears that they are ready, starts those again that die, and ends them all."""

import contextlib
import gc
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
from mesh.supervisor.console import LogTail, last_lines
from mesh.supervisor.plan import FIRST_TRIES, STEADY_S, Plan, backoff_s, reachable, service_of

STOP_S = 9.0
"""From the signal until whoever is left is killed."""

GATEWAY_FIRST_S = 2.0
"""What the gateway has to tell its viewers, before the services behind it end."""

TURN_S = 1.0
SLOW_START_S = 5.0


class Supervisor:
    """One thread, no event loop, nothing of gRPC: so that it can fork."""

    def __init__(self, plan: Plan, say: Callable[[str], None], *, ready_file: Path | None, exec_mode: bool) -> None:
        self._plan = plan
        self._say = say
        self._ready_file = ready_file
        self._exec_mode = exec_mode
        self._children: dict[str, Child] = {}
        self._again_s: dict[str, float] = {}
        self._names = plan.names
        self._gateways = plan.instances("gateway")
        self._deaths: dict[str, int] = dict.fromkeys(self._names, 0)
        self._tails = {name: LogTail(self._log_file(name), say) for name in self._names}
        self._written: dict[str, Any] | None = None
        self._began_s = time.monotonic()
        self._slow_said = False
        self.stopping = False
        self.failed = False

    def run(self, on_ready: Callable[[dict[str, Any]], None]) -> int:
        """Until SIGINT, SIGTERM or SIGHUP. Gives the exit code."""
        wakeup = self._catch_signals()
        # What is here now is shared with the children; without this, collecting garbage would copy it into each.
        gc.collect()
        gc.freeze()
        for name in self._names:
            self._start(name)
        while not self.stopping:
            self._wait(wakeup)
            self._reap()
            self._restart_due()
            self._check_ready(on_ready)
            for tail in self._tails.values():
                tail.follow()
        self._stop()
        return 1 if self.failed else 0

    def _catch_signals(self) -> int:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        os.set_blocking(reading, False)
        signal.set_wakeup_fd(writing)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._told_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return reading

    def _told_to_stop(self, number: int, frame: object) -> None:
        self.stopping = True

    def _log_file(self, name: str) -> Path:
        return self._plan.data / "logs" / f"{name}.log"

    def _start(self, name: str) -> None:
        environment = self._plan.environment(name)
        pid, pipe = start(name, environment, self._log_file(name), exec_mode=self._exec_mode)
        self._children[name] = Child(name, pid, pipe, time.monotonic())

    def _wait(self, wakeup: int) -> None:
        """Until a signal, a word of readiness, the next start that is due, or the next turn."""
        pipes = {child.pipe: child for child in self._children.values() if child.pipe >= 0}
        now_s = time.monotonic()
        due_s = min((*self._again_s.values(), now_s + TURN_S))
        readable, _, _ = select.select([wakeup, *pipes], [], [], max(0.0, due_s - now_s))
        for descriptor in readable:
            if descriptor == wakeup:
                with contextlib.suppress(BlockingIOError):
                    os.read(wakeup, 4096)
            else:
                self._hear(pipes[descriptor])

    def _hear(self, child: Child) -> None:
        child.hear()
        if not child.ready:
            return
        if child.name in self._gateways and self._plan.port == 0:
            # "Any port" means one for good: people come back to it after a restart.
            port = int(child.addresses["http"].rsplit(":", 1)[1])
            self._plan = replace(self._plan, ports={**self._plan.ports, child.name: port})
        if self._written is not None:
            self._say(f"{child.name} is back.")

    # -- deaths ----------------------------------------------------------------------------------------------

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
        while child.pipe >= 0:
            child.hear()
        del self._children[child.name]
        if self.stopping:
            return
        steady = time.monotonic() - child.started_s > STEADY_S
        self._deaths[child.name] = deaths = 1 if steady else self._deaths[child.name] + 1
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit code {os.WEXITSTATUS(status)}"
        if self._written is None and (child.error or deaths >= FIRST_TRIES):
            self._give_up(child, how)
            return
        wait_s = backoff_s(deaths)
        self._again_s[child.name] = time.monotonic() + wait_s
        why = f": {child.error}" if child.error else ""
        self._say(f"{child.name} ended ({how}{why}); starting it again in {wait_s:g} s.")

    def _give_up(self, child: Child, how: str) -> None:
        """What does not start at all is told at once, with the reason, and not tried for ever."""
        path = self._log_file(child.name)
        self._say(f"{child.name} does not start ({how}).")
        self._say(f"  {child.error}" if child.error else last_lines(path, 15))
        self._say(f"  Its log: {path}")
        self.failed = self.stopping = True

    def _restart_due(self) -> None:
        now_s = time.monotonic()
        for name in [name for name, due_s in self._again_s.items() if due_s <= now_s]:
            del self._again_s[name]
            self._start(name)

    # -- readiness -------------------------------------------------------------------------------------------

    def _check_ready(self, on_ready: Callable[[dict[str, Any]], None]) -> None:
        waited_for = [name for name in self._names if name not in self._children or not self._children[name].ready]
        if waited_for:
            if self._written is None and not self._slow_said and time.monotonic() - self._began_s > SLOW_START_S:
                self._slow_said = True
                self._say(f"  Still waiting for {', '.join(waited_for)} ...")
            return
        described = self._described()
        if described == self._written:
            return
        if self._ready_file is not None:
            temporary = self._ready_file.with_name(self._ready_file.name + ".part")
            temporary.write_text(json.dumps(described, indent=2))
            temporary.replace(self._ready_file)
        first, self._written = self._written is None, described
        if first:
            on_ready(described)

    def _described(self) -> dict[str, Any]:
        services = {name: {"pid": child.pid, **child.addresses} for name, child in sorted(self._children.items())}
        address = reachable(self._children["gateway"].addresses.get("http", ""))
        return {"address": address, "data": str(self._plan.data), "pid": os.getpid(), "services": services}

    # -- the end ---------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """SIGTERM to the gateway, then to the others; whoever has not ended in time is killed."""
        self._say("Stopping; everything acknowledged is saved.")
        end_s = time.monotonic() + STOP_S
        self._signal(self._gateways, signal.SIGTERM)
        self._wait_for_ends(self._gateways, min(end_s, time.monotonic() + GATEWAY_FIRST_S))
        self._signal([name for name in self._names if service_of(name) != "gateway"], signal.SIGTERM)
        self._wait_for_ends(self._names, end_s)
        for name in self._children:
            self._say(f"{name} did not end in time and is killed.")
        self._signal(self._names, signal.SIGKILL)
        self._wait_for_ends(self._names, end_s + 1.0)
        if self._ready_file is not None:
            self._ready_file.unlink(missing_ok=True)

    def _wait_for_ends(self, names: "list[str] | tuple[str, ...]", end_s: float) -> None:
        while any(name in self._children for name in names) and time.monotonic() < end_s:
            self._reap()
            time.sleep(0.01)

    def _signal(self, names: "list[str] | tuple[str, ...]", number: signal.Signals) -> None:
        for name in names:
            if name in self._children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._children[name].pid, number)
