"""The limits of operations and documents, in one place: what both sides of the wire check against."""

from typing import Final

MAX_COORDINATE: Final = 1 << 20
"""Largest |value| of a position, an edge, a point, a width or a size, in 1/32768 of the picture's height."""

ID_BYTES: Final = 16
MAX_OPERATIONS: Final = 20
MAX_SERVICE_OPERATIONS: Final = 1000
MAX_OPERATION_BYTES: Final = 16 * 1024
MAX_SERVICE_BATCH_BYTES: Final = 900_000

MAX_OPERATION_TEXT_BYTES: Final = 4 * 1024
MAX_TEXT_BYTES: Final = 64 * 1024
MAX_PIECES: Final = 1000
MAX_TRANSFORM_PIECES: Final = 200_000
"""Pieces that one text edit may be moved past: more than 30,000 edits of others; what bounds the cost of one batch."""

MAX_POINTS: Final = 2000
MAX_TAGS: Final = 32
MAX_TAG_BYTES: Final = 64
MAX_ATTACHMENTS: Final = 16
MAX_ATTACHMENT_ID: Final = 16
MAX_TITLE_BYTES: Final = 256
MAX_BLOB_NAME_BYTES: Final = 256
MAX_LINK_BYTES: Final = 2048
MAX_PERSON_ID_BYTES: Final = 64

MIN_ZOOM_PERMILLE: Final = 100
MAX_ZOOM_PERMILLE: Final = 100_000
"""How closely a note may have been written: 1000 is the whole picture."""

MAX_ANNOTATIONS: Final = 200_000
MAX_MOVES: Final = 16
MAX_OUTCOMES: Final = 8
MAX_IN_FLIGHT: Final = 8
MAX_BEHIND: Final = 100_000
"""Revisions that a base may be behind; text edits are kept for so many."""

DAY_MS: Final = 24 * 3600 * 1000
STALE_MS: Final = 30 * DAY_MS
TIME_STEP_MS: Final = 3600 * 1000
"""Times of revisions are kept at most one in each so long."""

MAX_NUMBER: Final = (1 << 53) - 1
"""Largest integer that JavaScript's numbers hold exactly."""
