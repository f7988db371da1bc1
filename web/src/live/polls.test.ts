import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { PollSchema, VoteSchema } from "../gen/rushes/signaling/v1/room_service_pb";
import { optionsOf, resultOf, withPoll, withVote, type Polls } from "./polls";

const poll = create(PollSchema, { pollId: "p", question: "Which?", options: ["one", "two"] });
const vote = (personId: string, option: number): ReturnType<typeof create<typeof VoteSchema>> => create(VoteSchema, { pollId: "p", personId, option });
const result = (polls: Polls): number[] => {
  const state = polls.get("p");
  return state ? resultOf(state) : [];
};

describe("polls", () => {
  test("a person counts once, by what they chose last, and the result stays when the poll ends", () => {
    let polls = withPoll(new Map(), poll);
    polls = withVote(withVote(withVote(polls, vote("ada", 0)), vote("bob", 1)), vote("ada", 1));
    expect(result(polls)).toEqual([0, 2]);
    polls = withPoll(polls, create(PollSchema, { ...poll, closed: true }));
    expect(result(polls)).toEqual([0, 2]);
  });

  test("a vote of a poll or an answer that is not there counts nothing", () => {
    expect(withVote(new Map(), vote("ada", 0)).size).toBe(0);
    expect(result(withVote(withPoll(new Map(), poll), vote("ada", 7)))).toEqual([0, 0]);
  });

  test("answers are typed one a line, and all differ", () => {
    expect(optionsOf(" one \n\ntwo\n")).toEqual({ options: ["one", "two"], sound: true });
    expect(optionsOf("one\none").sound).toBe(false);
    expect(optionsOf("one").sound).toBe(false);
  });
});
