/**
 * Why a batch is refused: a closed list, so that every instance, replay and language says the same.
 *
 * The message depends on the reason alone; what is refused is named by the operation's index.
 */

import type { Refusal } from "./model";

/** Of google.rpc.Code, those that refusals have. */
export const Code = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
} as const;

/** Reason -> google.rpc.Code, and what a person may read. */
export const REASONS = {
  // The batch as a whole.
  INVALID_BATCH: [Code.INVALID_ARGUMENT, "a batch has 1 to 20 operations, and at most one text edit of an annotation"],
  INVALID_CLIENT: [Code.INVALID_ARGUMENT, "a client_id has 16 bytes"],
  BATCH_TOO_LARGE: [Code.RESOURCE_EXHAUSTED, "the batch has too many bytes"],
  MAY_NOT_ANNOTATE: [Code.PERMISSION_DENIED, "you may not write here"],
  STALE_BASE: [Code.ABORTED, "the batch was made on a revision that is too old or not of this document"],
  ALREADY_USED: [Code.ALREADY_EXISTS, "this number was used for another batch"],
  ABORTED: [Code.ABORTED, "a batch of this client was refused before: it needs a new client_id"],
  OUT_OF_ORDER: [Code.ABORTED, "a batch before this one is missing"],
  UNKNOWN_CLIENT: [Code.ABORTED, "this client is not known any more, and its base is too old to begin with"],
  // One operation, whatever the document.
  UNKNOWN_OPERATION: [Code.INVALID_ARGUMENT, "the operation is of no known kind"],
  SERVER_ONLY: [Code.INVALID_ARGUMENT, "only the server sends this operation"],
  OPERATION_TOO_LARGE: [Code.RESOURCE_EXHAUSTED, "the operation has more than 16 KiB"],
  INVALID_ID: [Code.INVALID_ARGUMENT, "an annotation's id has 16 bytes"],
  INVALID_KIND: [Code.INVALID_ARGUMENT, "the annotation is of no known kind"],
  INVALID_FRAMES: [Code.INVALID_ARGUMENT, "the last frame is before the first"],
  FRAME_OUTSIDE: [Code.INVALID_ARGUMENT, "the frame is outside the video"],
  INVALID_POSITION: [Code.INVALID_ARGUMENT, "the position is missing or out of range"],
  INVALID_BOX: [Code.INVALID_ARGUMENT, "an edge of the box is out of range"],
  INVALID_POINTS: [Code.INVALID_ARGUMENT, "the points do not fit the kind or are out of range"],
  INVALID_PRESSURE: [Code.INVALID_ARGUMENT, "there is not one pressure for each point"],
  INVALID_STYLE: [Code.INVALID_ARGUMENT, "a value of the style is out of range"],
  INVALID_AUDIENCE: [Code.INVALID_ARGUMENT, "the audience is not internal or client, or cannot be set so"],
  INVALID_TAGS: [Code.INVALID_ARGUMENT, "the tags are not sorted, repeated, empty or too long"],
  INVALID_ATTACHMENTS: [Code.INVALID_ARGUMENT, "an attachment has no valid id, target or title, or they are not sorted"],
  INVALID_ORIGIN: [Code.INVALID_ARGUMENT, "the origin is out of range"],
  INVALID_VIEW: [Code.INVALID_ARGUMENT, "the view is out of range"],
  INVALID_FIELD: [Code.INVALID_ARGUMENT, "there is no such field, it is named twice, or it cannot be set so"],
  INVALID_VALUE: [Code.INVALID_ARGUMENT, "the value is not of the field's type"],
  INVALID_EDIT: [Code.INVALID_ARGUMENT, "the text edit is not canonical"],
  INVALID_SEEN: [Code.INVALID_ARGUMENT, "a move cannot have seen more than its batch"],
  INVALID_STAMP: [Code.INVALID_ARGUMENT, "a stamp is not a revision that the batch has seen"],
  NOTHING_SET: [Code.INVALID_ARGUMENT, "the operation sets nothing"],
  TEXT_TOO_LONG: [Code.RESOURCE_EXHAUSTED, "the text is too long"],
  // One operation on this document.
  NOT_FOUND: [Code.NOT_FOUND, "there is no such annotation"],
  ALREADY_EXISTS: [Code.ALREADY_EXISTS, "an annotation with this id exists"],
  NOT_YOURS: [Code.PERMISSION_DENIED, "the annotation is somebody else's"],
  MAY_NOT_WRITE_INTERNAL: [Code.PERMISSION_DENIED, "you may not write internal notes"],
  AUDIENCE_OF_REPLY: [Code.FAILED_PRECONDITION, "a reply has its thread's audience"],
  STALE_TEXT: [Code.ABORTED, "the text edit was made before this client's own last one"],
  TEXT_TOO_FAR_BEHIND: [Code.ABORTED, "too many edits of others came between"],
  TEXT_MISMATCH: [Code.FAILED_PRECONDITION, "the text edit does not span the text it was made on"],
  TOO_MANY_TAGS: [Code.RESOURCE_EXHAUSTED, "the annotation has too many tags"],
  TOO_MANY_ATTACHMENTS: [Code.RESOURCE_EXHAUSTED, "the annotation has too many attachments"],
  TOO_MANY_ANNOTATIONS: [Code.RESOURCE_EXHAUSTED, "the document has too many annotations"],
} as const satisfies Record<string, readonly [number, string]>;

export type Reason = keyof typeof REASONS;

/** Raised within the core to refuse a batch; never leaves it. */
export class Refuse extends Error {
  constructor(readonly reason: Reason) {
    super(REASONS[reason][1]);
    this.name = "Refuse";
  }
}

/** Whether the core knows a reason that a server sent. */
export function isReason(reason: string): reason is Reason {
  return Object.hasOwn(REASONS, reason);
}

/** What says so. `index` is the operation that failed, if one did. */
export function refusal(reason: Reason, index?: number): Refusal {
  const [code, message] = REASONS[reason];
  return index === undefined ? { code, reason, message } : { code, reason, message, index };
}
