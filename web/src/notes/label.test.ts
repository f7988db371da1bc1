import { describe, expect, test } from "vitest";
import { categoryTag, choose, labelsOf, personTag, PRIORITIES, priorityTag, rankOf } from "./label";

const high = priorityTag("high");

describe("what tags mean", () => {
  test("people, priority and category are told from plain ones", () => {
    expect(labelsOf(["@p1", "sky", high, categoryTag("vfx"), "priority:whatever", "@"])).toEqual({
      people: ["p1"],
      priority: "high",
      category: "vfx",
      plain: ["sky", "priority:whatever", "@"],
    });
    expect(labelsOf([personTag("p2")]).people).toEqual(["p2"]);
  });
  test("what is urgent comes first, and what has no priority before what has a low one", () => {
    expect([[priorityTag("low")], [], [high], [priorityTag("medium")]].map(rankOf)).toEqual([3, 2, 0, 1]);
  });
  test("a choice takes the place of another, and again it goes", () => {
    const group = PRIORITIES.map(priorityTag);
    expect(choose(["x"], high, group)).toEqual([{ tag: high, on: true }]);
    expect(choose([high], high, group)).toEqual([{ tag: high, on: false }]);
    expect(choose([priorityTag("low")], high, group)).toEqual([{ tag: priorityTag("low"), on: false }, { tag: high, on: true }]);
  });
});
