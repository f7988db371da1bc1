"""Logs as JSON lines."""

import json
import logging
import sys
from typing import Any

from mesh import telemetry


def line(level: int = logging.INFO, exc_info: Any = None, **extra: Any) -> dict[str, Any]:
    """A record, formatted and read again."""
    record = logging.LogRecord("a.b", level, "f.py", 1, "thing_happened", None, exc_info)
    vars(record).update(extra)
    text = telemetry.JsonFormatter("svc_x").format(record)
    assert "\n" not in text
    read: dict[str, Any] = json.loads(text)
    return read


def test_a_line_has_time_level_service_event_and_values() -> None:
    read = line(count=3, path="a\nb")
    assert read.pop("time").endswith("Z")
    assert read == {
        "level": "INFO",
        "service": "svc_x",
        "logger": "a.b",
        "event": "thing_happened",
        "count": 3,
        "path": "a\nb",
    }


def test_a_line_says_what_it_belongs_to() -> None:
    tokens = [(variable, variable.set("7")) for variable in (telemetry.REQUEST_ID, telemetry.VIDEO, telemetry.PEER)]
    try:
        read = line()
    finally:
        for variable, token in tokens:
            variable.reset(token)
    assert (read["request_id"], read["video"], read["peer"]) == ("7", "7", "7")


def test_an_exception_is_on_the_same_line() -> None:
    try:
        raise KeyError("x")
    except KeyError:
        read = line(logging.ERROR, sys.exc_info())
    assert "KeyError" in read["exception"]


def test_a_value_that_is_no_json_is_written_as_text() -> None:
    assert line(thing={1, 2})["thing"] == "{1, 2}"
