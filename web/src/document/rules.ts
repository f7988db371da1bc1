/** The published rule sets. A record names the one that applies it, so that yesterday and today never disagree. */

import type { Record as RecordMessage } from "../gen/rushes/annotation/v1/record_pb";
import type { Document } from "./document";
import { fold } from "./fold";
import type { Result } from "./result";

/** Number -> what applies a record. None is ever edited or taken out; its vectors stay. */
export const RULES: ReadonlyMap<number, (document: Document, record: RecordMessage) => Result> = new Map([[1, fold]]);

/** To be stamped on records. */
export const NEWEST = 1;
