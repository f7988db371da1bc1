/** Polls of a room as events make them, and their results. Pure. */
import { create } from "@bufbuild/protobuf";
import { PollStateSchema, type Poll, type PollState, type Vote } from "../gen/rushes/signaling/v1/room_service_pb";

export type Polls = ReadonlyMap<string, PollState>;

/** A poll is asked, or is over. */
export function withPoll(polls: Polls, poll: Poll): Polls {
  return new Map(polls).set(poll.pollId, create(PollStateSchema, { poll, votes: polls.get(poll.pollId)?.votes ?? [] }));
}

/** Somebody chose. */
export function withVote(polls: Polls, vote: Vote): Polls {
  const state = polls.get(vote.pollId);
  if (!state) return polls;
  const votes = [...state.votes.filter((each) => each.personId !== vote.personId), vote];
  return new Map(polls).set(vote.pollId, create(PollStateSchema, state.poll ? { poll: state.poll, votes } : { votes }));
}

/** Votes of each answer. */
export function resultOf({ poll, votes }: PollState): number[] {
  const result = (poll?.options ?? []).map(() => 0);
  for (const { option } of votes) if (option < result.length) result[option] = (result[option] ?? 0) + 1;
  return result;
}

/** The answers that somebody typed, one a line, and whether a poll can have them. */
export function optionsOf(text: string): { options: string[]; sound: boolean } {
  const options = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const sound = options.length >= 2 && options.length <= 8 && new Set(options).size === options.length && options.every((each) => each.length <= 100);
  return { options, sound };
}
