/** The fold: a document and a record give the next document and what became of the record. */

import type { Record as RecordMessage } from "../gen/rushes/annotation/v1/record_pb";
import type { Document } from "./document";
import { UnknownRules } from "./errors";
import type { Result } from "./result";
import { RULES } from "./rules";

/**
 * Applies a record in place, whole or not at all. Total: any record gives a result.
 *
 * Throws UnknownRules for a rule set that this program does not have: whoever folds stops with that video.
 */
export function apply(document: Document, record: RecordMessage): Result {
  const rules = RULES.get(record.rules);
  if (rules === undefined) {
    throw new UnknownRules(record.rules);
  }
  return rules(document, record);
}
