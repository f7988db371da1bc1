import { describe, expect, test } from "vitest";
import { AnnotationKind, Audience, newAnnotation, StrokeMode, type Annotation, type AnnotationState } from "../document";
import { boardOf, entries, EVERYTHING, neighbour, noteViewsOf, tagsOf } from "./board";
import { personTag, priorityTag } from "./label";

let made = 0;

function state(given: Partial<Annotation>): AnnotationState {
  const id = (++made).toString(16).padStart(32, "0");
  const annotation = newAnnotation({ id, kind: AnnotationKind.COMMENT, audience: Audience.CLIENT, authorId: "ann", ...given });
  return { annotation, orderRevision: made, orderIndex: 0, stamps: [], moves: [] };
}

const comment = state({ firstFrame: 20, lastFrame: 20, text: "Lift the sky" });
const reply = state({ firstFrame: 20, lastFrame: 20, text: "Done", parentId: comment.annotation.id, authorId: "bob" });
const settled = state({ firstFrame: 5, lastFrame: 9, text: "Titles", resolved: true, audience: Audience.INTERNAL });
const gone = state({ firstFrame: 1, deleted: true });
const underGone = state({ firstFrame: 1, parentId: gone.annotation.id });
const stroke = state({ firstFrame: 12, lastFrame: 12, kind: AnnotationKind.STROKE });
const again = state({ firstFrame: 12, lastFrame: 12, kind: AnnotationKind.TEXT, text: "here", authorId: "bob" });
const erased = state({ firstFrame: 13, kind: AnnotationKind.STROKE, mode: StrokeMode.ERASE });
const board = boardOf([again, stroke, underGone, gone, settled, reply, comment, erased]);

const shown = (filter: Partial<typeof EVERYTHING>, me = "ann"): number[] =>
  entries(board, { ...EVERYTHING, ...filter }, { me, unread: ({ root }) => root.firstFrame === 5 }).map((entry) => (entry.kind === "thread" ? entry.thread.root.firstFrame : entry.drawings.frame));

describe("the board of notes", () => {
  test("replies stand under their note, and what is deleted is gone with its replies", () => {
    expect(board.threads.map(({ root, replies }) => [root.text, replies.length])).toEqual([
      ["Titles", 0],
      ["Lift the sky", 1],
    ]);
  });
  test("drawings are counted by frame; erasing is no drawing", () => {
    expect(board.drawings).toMatchObject([{ frame: 12, count: 2, authors: ["ann", "bob"], text: "here" }]);
  });
  test("the mark of a frame's drawings reaches as far as the longest of them", () => {
    const long = state({ firstFrame: 12, lastFrame: 30, kind: AnnotationKind.RECT });
    expect(boardOf([stroke, long, again]).marks).toEqual([{ first: 12, last: 30, kind: "drawing" }]);
  });
  test("the list goes by frame, and shows what was asked for", () => {
    expect(shown({})).toEqual([5, 12, 20]);
    expect(shown({ show: "open" })).toEqual([20]);
    expect(shown({ show: "resolved" })).toEqual([5]);
    expect(shown({ show: "drawings" })).toEqual([12]);
    expect(shown({ show: "mine" }, "bob")).toEqual([20]);
    expect(shown({ audience: Audience.INTERNAL })).toEqual([5]);
  });
  test("those for me, those unread, and those with all tags", () => {
    const tagged = boardOf([
      state({ firstFrame: 1, tags: ["sky", personTag("bob")], createdMs: 10 }),
      state({ firstFrame: 2, tags: ["day", priorityTag("high"), "sky"], createdMs: 30 }),
      state({ firstFrame: 3, createdMs: 20 }),
    ]);
    const frames = (filter: Partial<typeof EVERYTHING>, me = "bob"): number[] =>
      entries(tagged, { ...EVERYTHING, ...filter }, { me, unread: ({ root }) => root.firstFrame > 1 }).map((entry) => (entry.kind === "thread" ? entry.thread.root.firstFrame : -1));
    expect([frames({ show: "mentions" }), frames({ show: "mentions" }, "ann"), frames({ show: "unread" })]).toEqual([[1], [], [2, 3]]);
    expect([frames({ tags: ["sky"] }), frames({ tags: ["sky", "day"] }), frames({ query: "DAY" })]).toEqual([[1, 2], [2], [2]]);
    expect([frames({ sort: "newest" }), frames({ sort: "priority" })]).toEqual([[2, 3, 1], [2, 1, 3]]);
    expect(tagsOf(tagged)).toEqual(["@bob", "day", "priority:high", "sky"]);
  });
  test("of kept views only what is one counts", () => {
    expect(noteViewsOf([{ name: "x", filter: { show: "nothing", tags: ["a", 1], sort: "newest" } }, { name: "" }, null, { name: "y" }])).toEqual([
      { name: "x", filter: { ...EVERYTHING, tags: ["a"], sort: "newest" } },
    ]);
  });
  test("words are found in notes, replies and drawings, in any case", () => {
    expect(shown({ query: "SKY " })).toEqual([20]);
    expect(shown({ query: "done" })).toEqual([20]);
    expect(shown({ query: "here" })).toEqual([12]);
  });
  test("the next note and the one before are found from any frame", () => {
    expect([neighbour(board, 0, 1), neighbour(board, 12, 1), neighbour(board, 12, -1), neighbour(board, 20, 1)]).toEqual([5, 20, 5, undefined]);
  });
});
