"""How a service that holds many objects for long looks for cycles among them: seldom, and few at a time."""

import gc
from typing import Final

YOUNG_OBJECTS: Final = 5_000
"""So many more than before are looked through at once, which takes some milliseconds. Fifty thousand, as ten thousand
operations a second leave behind in a second and a half, held the loop up for up to 70 ms, and everybody's operations
with it."""
OLDER: Final = 200
"""So many times before those that were looked through once are looked through again: most live long and hold no cycles,
and to look through a million takes a quarter of a second, in which nobody is served."""
OLDEST: Final = 100


def look_seldom() -> None:
    """To be called when all modules are loaded: what is there already is never looked through."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, OLDER, OLDEST)
