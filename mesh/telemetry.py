"""Logs as JSON lines with what they belong to, metrics, and the small HTTP server that shows them."""

import asyncio
import json
import logging
import sys
import threading
import time
from contextvars import ContextVar
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
VIDEO: ContextVar[str] = ContextVar("video", default="")
PEER: ContextVar[str] = ContextVar("peer", default="")

RPC_TOTAL = Counter("rushes_rpc_total", "RPCs answered, by method and code.", ["method", "code"])
RPC_SECONDS = Histogram(
    "rushes_rpc_seconds",
    "Time to answer unary RPCs.",
    ["method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)

TASKS = Gauge("rushes_tasks", "Tasks of the event loop.")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, context, and whatever `extra` holds."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "event": record.getMessage(),
        }
        for name, variable in (("request_id", REQUEST_ID), ("video", VIDEO), ("peer", PEER)):
            if value := variable.get():
                line[name] = value
        line.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def set_up_logging(service: str, level: str = "INFO") -> None:
    """Every logger writes JSON lines to the standard error stream."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def count_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Shows from now on how many tasks a loop has: if their number only grows, something is never over."""
    TASKS.set_function(lambda: len(asyncio.all_tasks(loop)))


class MetricsServer:
    """/metrics for Prometheus and /healthz, in a thread."""

    def __init__(self, host: str, port: int) -> None:
        self.healthy = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Scrapes are not worth a line."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        if request.path == "/metrics":
            status, kind, body = 200, CONTENT_TYPE_LATEST, generate_latest()
        elif request.path in ("/healthz", "/readyz"):
            ready = self.healthy or request.path == "/healthz"
            status, kind, body = (200, "text/plain", b"ok\n") if ready else (503, "text/plain", b"not ready\n")
        else:
            status, kind, body = 404, "text/plain", b"/metrics, /healthz, /readyz\n"
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2)
