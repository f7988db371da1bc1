/** What a commit did, in a few words. */
import type { Commit } from "../gen/rushes/annotation/v1/operation_pb";
import { t } from "../messages";

type Did = "created" | "moved" | "resized" | "changed" | "worded" | "deleted" | "back" | "undone" | "published";

function didOf(commit: Commit): Did[] {
  return commit.operations.flatMap(({ kind }): Did[] => {
    switch (kind.case) {
      case "create":
        return ["created"];
      case "move":
        return ["moved"];
      case "resize":
        return ["resized"];
      case "setFields":
        return [kind.value.fields.some(({ field }) => field === "audience") ? "published" : "changed"];
      case "editText":
        return ["worded"];
      case "setDeleted":
        return [kind.value.deleted ? "deleted" : "back"];
      case "restore":
        return ["undone"];
      case "present":
        return ["published"];
      default:
        return [];
    }
  });
}

/** Each thing that it did, once. */
export function wordsOf(commit: Commit): string {
  return [...new Set(didOf(commit))].map((did) => t(`history.did.${did}`)).join(" · ");
}
