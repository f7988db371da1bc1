/** In which order those who are in are shown. Pure. */
import { ParticipantKind, ParticipantState, type Participant } from "../gen/rushes/signaling/v1/room_service_pb";

/** Everybody who is in but monitors: oneself first, then a programme, then who presents, then by name. */
export function inOrder(people: Iterable<Participant>, me: string, presenter: string): Participant[] {
  const rank = (each: Participant): number =>
    each.participantId === me ? 0 : each.kind === ParticipantKind.PROGRAMME ? 1 : each.participantId === presenter ? 2 : 3;
  const shown = [...people].filter((each) => each.state !== ParticipantState.WAITING && each.kind !== ParticipantKind.MONITOR);
  return shown.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}
