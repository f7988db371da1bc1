/** What a client's document tells those who show it. */

import type { Status } from "../gen/google/rpc/status_pb";
import type { Pong, Presence } from "../gen/rushes/annotation/v1/annotation_service_pb";
import type { Id, Operation } from "./model";
import type { Edit } from "./text";

export type Event =
  /** The session is open; what is pending goes out. */
  | { readonly kind: "opened"; readonly timeMs: number }
  /** These annotations look different, or may. Undefined: all. */
  | { readonly kind: "changed"; readonly ids: ReadonlySet<Id> | undefined }
  /** Somebody else edited a text that is being edited here: carets move past this edit of the text on the screen. */
  | { readonly kind: "textMoved"; readonly id: Id; readonly edit: Edit }
  /** A batch is durable. */
  | { readonly kind: "saved"; readonly clientSeq: number; readonly revision: number }
  /** Work was refused: the first operation, and those that were built on it. */
  | {
      readonly kind: "dropped";
      readonly operations: readonly Operation[];
      readonly reason: string;
      readonly message: string;
    }
  /** Nobody can say whether this was saved: see PendingClient.doubt. */
  | { readonly kind: "inDoubt"; readonly operations: readonly Operation[] }
  /** Close the stream, and connect() on a new one. */
  | { readonly kind: "reconnect"; readonly reason: string }
  /** What one may do here, as a bit mask. */
  | { readonly kind: "rightsChanged"; readonly permissions: number }
  /** One may not write any more, and there is work that is not saved. */
  | { readonly kind: "notSaved" }
  /** Everything that was to be undone or redone has been changed by others since. */
  | { readonly kind: "undoVoid" }
  /** Who else is here. */
  | { readonly kind: "presenceReceived"; readonly presence: Presence }
  /** Answer to a ping. */
  | { readonly kind: "pongReceived"; readonly pong: Pong }
  /** Nothing can be saved now, and why; or (code 0) it can again. */
  | { readonly kind: "trouble"; readonly status: Status };
