"""Toxiproxy before an engine: what passes through it is cut as a test says (scripts/engines/toxiproxy)."""

import json
import re
import urllib.request
from typing import Any

from tests.engine import Engine, free_ports

NAME = "engine"


class Toxic:
    """A proxy before a server, and what is wrong with it."""

    def __init__(self, toxiproxy: Engine, upstream: Engine) -> None:
        self._api = f"http://{toxiproxy.address}"
        (self.port,) = free_ports(1)
        self._call("/proxies", {"name": NAME, "listen": f"127.0.0.1:{self.port}", "upstream": upstream.address})

    def cut_answers_after(self, size_bytes: int) -> None:
        """Every connection ends after so many bytes of answers, in the middle of one; those that there are end now."""
        self.heal()
        toxic = {"name": "cut", "type": "limit_data", "stream": "downstream", "attributes": {"bytes": size_bytes}}
        self._call(f"/proxies/{NAME}/toxics", toxic)

    def heal(self) -> None:
        """Nothing is wrong any more; connections begin anew."""
        self._call("/reset", {})
        for enabled in (False, True):
            self._call(f"/proxies/{NAME}", {"enabled": enabled})

    @property
    def withheld_bytes(self) -> int:
        """What came of answers and never went on: it grows whenever one is cut."""
        with urllib.request.urlopen(f"{self._api}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        received, sent = (
            sum(float(value) for value in re.findall(_COUNTER % each, text, re.M)) for each in ("received", "sent")
        )
        return round(received - sent)

    def _call(self, path: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(self._api + path, data=json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10):
            pass


_COUNTER = r'^toxiproxy_proxy_%s_bytes_total\{[^}]*direction="downstream"[^}]*\} (\S+)$'
