"""Fonts of this machine for sheets of notes: one for most scripts, one for Chinese, Japanese and Korean."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rushes.exchange.pdf import Font, Fonts

_FOLDERS: Final = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts")
_REGULAR: Final = (
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
)
_IDEOGRAPHS: Final = (
    Font("NotoSansCJK-Regular.ttc", 2),
    Font("NotoSansCJKsc-Regular.otf"),
    Font("NotoSerifCJK-Regular.ttc", 2),
    Font("DroidSansFallbackFull.ttf"),
    Font("Arial Unicode.ttf"),
)
"""The third face of a collection is the Chinese one."""


def find_fonts() -> Fonts:
    """The first of each kind that there is."""
    found = {path.name: str(path) for path in _files()}
    regular = next((pair for pair in _REGULAR if pair[0] in found), None)
    wide = next((font for font in _IDEOGRAPHS if font.path in found), None)
    fallback = (Font(found[wide.path], wide.face),) if wide is not None else ()
    if regular is None:
        return Fonts(fallback[0]) if fallback else Fonts()
    bold = Font(found[regular[1]]) if regular[1] in found else None
    return Fonts(Font(found[regular[0]]), bold, fallback)


def _files() -> Iterator[Path]:
    for folder in map(Path, _FOLDERS):
        for ending in ("ttf", "otf", "ttc"):
            yield from folder.rglob(f"*.{ending}")
