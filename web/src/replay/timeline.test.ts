import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { EventSchema, ParticipantState, type Event } from "../gen/rushes/signaling/v1/room_service_pb";
import { RoomTimeline, until } from "./timeline";

function event(ordinal: number, timeMs: number, what: NonNullable<Parameters<typeof create<typeof EventSchema>>[1]>["what"]): Event {
  return create(EventSchema, { ordinal: BigInt(ordinal), timeMs: BigInt(timeMs), what: what as never });
}

const ada = { participantId: "a", name: "Ada", state: ParticipantState.JOINED };
const events = [
  event(1, 1000, { case: "participant", value: ada }),
  event(2, 1100, { case: "presenter", value: { participantId: "a" } }),
  event(3, 2000, { case: "playback", value: { videoId: 7n, frame: 10n } }),
  event(4, 3000, { case: "chat", value: { participantId: "a", name: "Ada", text: "here" } }),
  event(5, 3000, { case: "presenter", value: { participantId: "a", requests: ["b"] } }),
  event(6, 4000, { case: "playback", value: { videoId: 7n, frame: 20n } }),
  event(7, 5000, { case: "participant", value: { ...ada, state: ParticipantState.LEFT } }),
];

test("a moment has what had happened by then, and nothing later", () => {
  const timeline = new RoomTimeline(events);
  expect(timeline.at(999)).toMatchObject({ playback: undefined, presenter: "", people: [], said: 0 });
  expect(timeline.at(2999)).toMatchObject({ playback: { frame: 10n }, presenter: "a", said: 0 });
  expect(timeline.at(2999).people.map((each) => each.name)).toEqual(["Ada"]);
  expect(timeline.at(4500)).toMatchObject({ playback: { frame: 20n }, said: 1 });
  expect(timeline.at(6000).people).toEqual([]);
  expect([timeline.firstMs, timeline.lastMs]).toEqual([1000, 5000]);
});

test("marks are of what was said and who presents, not of who asks", () => {
  expect(new RoomTimeline(events).marks).toEqual([
    { atMs: 1100, kind: "presenter" },
    { atMs: 3000, kind: "chat" },
  ]);
});

test("items up to a moment are counted", () => {
  const items = [1, 3, 3, 5].map((atMs) => ({ atMs }));
  expect([0, 1, 3, 4, 9].map((ms) => until(items, ms))).toEqual([0, 1, 3, 3, 4]);
});
