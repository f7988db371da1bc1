/** The limits of operations and documents, in one place: what both sides of the wire check against. */

/** Largest |value| of a position, an edge, a point, a width or a size, in 1/32768 of the picture's height. */
export const MAX_COORDINATE = 1 << 20;

export const ID_BYTES = 16;
/** Hexadecimal digits of an id. */
export const ID_DIGITS = 2 * ID_BYTES;
export const MAX_OPERATIONS = 20;
export const MAX_SERVICE_OPERATIONS = 1000;
export const MAX_OPERATION_BYTES = 16 * 1024;
export const MAX_SERVICE_BATCH_BYTES = 900_000;

export const MAX_OPERATION_TEXT_BYTES = 4 * 1024;
export const MAX_TEXT_BYTES = 64 * 1024;
export const MAX_PIECES = 1000;
/** Pieces that one text edit may be moved past: what bounds the cost of one batch. */
export const MAX_TRANSFORM_PIECES = 200_000;

export const MAX_POINTS = 2000;
export const MAX_TAGS = 32;
export const MAX_TAG_BYTES = 64;
export const MAX_ATTACHMENTS = 16;
export const MAX_ATTACHMENT_ID = 16;
export const MAX_TITLE_BYTES = 256;
export const MAX_BLOB_NAME_BYTES = 256;
export const MAX_LINK_BYTES = 2048;
export const MAX_PERSON_ID_BYTES = 64;

/** How closely a note may have been written: 1000 is the whole picture. */
export const MIN_ZOOM_PERMILLE = 100;
export const MAX_ZOOM_PERMILLE = 100_000;

export const MAX_ANNOTATIONS = 200_000;
export const MAX_MOVES = 16;
export const MAX_OUTCOMES = 8;
export const MAX_IN_FLIGHT = 8;
/** Revisions that a base may be behind; text edits are kept for so many. */
export const MAX_BEHIND = 100_000;

export const DAY_MS = 24 * 3600 * 1000;
export const STALE_MS = 30 * DAY_MS;
/** Times of revisions are kept at most one in each so long. */
export const TIME_STEP_MS = 3600 * 1000;

/** Largest integer that a number holds exactly. */
export const MAX_NUMBER = Number.MAX_SAFE_INTEGER;
