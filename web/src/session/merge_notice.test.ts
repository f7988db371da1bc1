import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { fromHex } from "../document";
import { CommittedSchema, type Committed } from "../gen/rushes/annotation/v1/annotation_service_pb";
import { MergeNotice } from "./merge_notice";

const [ONE, TWO] = ["1".repeat(32), "2".repeat(32)];

function move(personId: string, id: string): Committed {
  const kind = { case: "move", value: { id: fromHex(id), to: { x: 1, y: 1 } } } as const;
  return create(CommittedSchema, { commits: [{ revision: 5n, personId, operations: [{ kind }] }] });
}

describe("what others did while one was away", () => {
  test("it is said once, when all of one's own is sent", () => {
    const notice = new MergeNotice();
    notice.begin([ONE]);
    notice.heard(move("ann", ONE), "me");
    expect(notice.settled(1)).toEqual([]);
    expect(notice.settled(0)).toEqual([{ personId: "ann", change: "move", more: 0 }]);
    expect(notice.settled(0)).toEqual([]);
  });
  test("what one did oneself, and what was done to other notes, is no news", () => {
    const notice = new MergeNotice();
    notice.begin([ONE]);
    notice.heard(move("me", ONE), "me");
    notice.heard(move("ann", TWO), "me");
    expect(notice.settled(0)).toEqual([]);
  });
  test("several changes are one line", () => {
    const notice = new MergeNotice();
    notice.begin([ONE, TWO]);
    for (const id of [ONE, TWO, TWO]) notice.heard(move("ann", id), "me");
    expect(notice.settled(0)).toEqual([{ personId: "ann", change: "move", more: 1 }]);
  });
  test("after that one edits together as always, and nothing is said", () => {
    const notice = new MergeNotice();
    notice.begin([]);
    notice.heard(move("ann", ONE), "me");
    expect(notice.settled(0)).toEqual([]);
  });
});
