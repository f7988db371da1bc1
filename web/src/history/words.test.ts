import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { AnnotationKind } from "../gen/rushes/annotation/v1/annotation_pb";
import { CommitSchema, type OperationSchema } from "../gen/rushes/annotation/v1/operation_pb";
import { wordsOf } from "./words";

type Made = MessageInitShape<typeof OperationSchema>;

function made(kind: AnnotationKind, text = "", parent = 0): Made {
  return { kind: { case: "create", value: { annotation: { kind, text, parentId: new Uint8Array(parent) } } } };
}

const said = (...operations: Made[]): string => wordsOf(create(CommitSchema, { operations }));

describe("what a commit did", () => {
  it("repeats what was written", () => {
    expect(said(made(AnnotationKind.COMMENT, "Too\n dark"))).toBe("wrote “Too dark”");
    expect(said(made(AnnotationKind.COMMENT, "Done", 16))).toBe("answered “Done”");
    expect(said(made(AnnotationKind.TEXT, "here"))).toBe("wrote on the picture “here”");
    expect(said(made(AnnotationKind.COMMENT, "漢".repeat(80)))).toBe(`wrote “${"漢".repeat(60)}…”`);
  });

  it("says each thing once", () => {
    expect(said(made(AnnotationKind.STROKE), made(AnnotationKind.RECT), { kind: { case: "setDeleted", value: { deleted: true } } })).toBe("drew · deleted");
  });
});
