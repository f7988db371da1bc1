/** What a commit did, in a few words. */
import { AnnotationKind, type Annotation } from "../gen/rushes/annotation/v1/annotation_pb";
import type { Commit } from "../gen/rushes/annotation/v1/operation_pb";
import { t } from "../messages";

/** Of what was written so much is repeated. */
const LETTERS_MOST = 60;

function quoted({ text }: Annotation): string {
  const letters = Array.from(text.replace(/\s+/g, " ").trim());
  return letters.length > LETTERS_MOST ? `${letters.slice(0, LETTERS_MOST).join("")}…` : letters.join("");
}

function madeOf(annotation: Annotation | undefined): string {
  if (annotation === undefined) return t("history.did.created");
  const text = quoted(annotation);
  if (annotation.kind === AnnotationKind.COMMENT) return t(annotation.parentId.length > 0 ? "history.did.answered" : "history.did.wrote", { text });
  return annotation.kind === AnnotationKind.TEXT ? t("history.did.lettered", { text }) : t("history.did.drew");
}

function didOf(commit: Commit): string[] {
  return commit.operations.flatMap(({ kind }): string[] => {
    switch (kind.case) {
      case "create":
        return [madeOf(kind.value.annotation)];
      case "move":
        return [t("history.did.moved")];
      case "resize":
        return [t("history.did.resized")];
      case "setFields":
        return [t(kind.value.fields.some(({ field }) => field === "audience") ? "history.did.published" : "history.did.changed")];
      case "editText":
        return [t("history.did.worded")];
      case "setDeleted":
        return [t(kind.value.deleted ? "history.did.deleted" : "history.did.back")];
      case "restore":
        return [t("history.did.undone")];
      case "present":
        return [t("history.did.published")];
      default:
        return [];
    }
  });
}

/** Each thing that it did, once. */
export function wordsOf(commit: Commit): string {
  return [...new Set(didOf(commit))].join(" · ");
}
