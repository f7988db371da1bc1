import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ParticipantKind, ParticipantSchema, ParticipantState, type Participant } from "../gen/rushes/signaling/v1/room_service_pb";
import { inOrder } from "./order";

const one = (participantId: string, kind = ParticipantKind.UNSPECIFIED, state = ParticipantState.JOINED): Participant =>
  create(ParticipantSchema, { participantId, name: participantId, kind, state });

test("oneself comes first, then a programme, then who presents; whoever waits and monitors are not shown", () => {
  const people = [
    one("zoe"),
    one("ada"),
    one("bob"),
    one("cid"),
    one("feed", ParticipantKind.PROGRAMME),
    one("screen", ParticipantKind.MONITOR),
    one("wes", ParticipantKind.UNSPECIFIED, ParticipantState.WAITING),
  ];
  expect(inOrder(people, "bob", "zoe").map(({ name }) => name)).toEqual(["bob", "feed", "zoe", "ada", "cid"]);
});
