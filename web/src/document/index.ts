/** The document of a video's notes: pure, deterministic, the same in Python and TypeScript. */

export { DocumentError, InvalidArgument, NotFound } from "./errors";
export { diff as diffFields } from "./diff";
export { FrameIndex } from "./frame_index";
export { fromHex, newId, toHex } from "./hex";
export * as limit from "./limit";
export * from "./model";
export { checkOperation } from "./operation";
export { PendingClient } from "./pending";
export type { Event } from "./pending_event";
export type { Stored } from "./pending_item";
export type { KeptDocument, Options, Phase } from "./pending_state";
export { isReason, REASONS, type Reason } from "./refusal";
export type { Replica } from "./replica";
export type { Screen } from "./screen";
export * as text from "./text";
export type { Edit } from "./text";
export { annotation as annotationFromMessage, annotationMessage, commit as commitFromMessage, exact } from "./wire";
export { state as stateFromMessage, stateMessage } from "./wire";
