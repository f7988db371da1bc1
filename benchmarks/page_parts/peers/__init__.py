"""Editors that many know, in pages of their own: what the page's drawing is measured beside.

They are installed into `.cache/page-peers` when they are first asked for, by the lock file here; none is shipped.
"""

import contextlib
import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
FOLDER = ROOT / ".cache" / "page-peers"
NAMES = ("tldraw", "excalidraw")
_SOURCES = ("package.json", "package-lock.json", ".npmrc", "build.mjs", "tldraw.jsx", "excalidraw.jsx")


def _stamp() -> bytes:
    return b"".join((HERE / name).read_bytes() for name in _SOURCES)


def prepare() -> Path:
    """Installs and bundles the peers, unless that is done; gives the folder of their pages."""
    stamp, pages = FOLDER / ".built", FOLDER / "pages"
    if stamp.exists() and stamp.read_bytes() == _stamp():
        return pages
    print("installing tldraw and Excalidraw into .cache/page-peers ...")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in _SOURCES:
        shutil.copy(HERE / name, FOLDER / name)
    node = str(ROOT / "scripts" / "node")
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    subprocess.run([node, "--npm", "ci", *quiet], cwd=FOLDER, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([node, "build.mjs", str(FOLDER)], cwd=FOLDER, check=True)
    stamp.write_bytes(_stamp())
    return pages


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def served(pages: Path) -> Iterator[str]:
    """The address of the pages."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(pages)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
