/** Making a live room, and its link. */
import { createClient } from "@connectrpc/connect";
import { requestId, transport } from "../app/api";
import type { Terms } from "./roomform";
import { RoomService, RoomState, type Room } from "../gen/rushes/signaling/v1/room_service_pb";

export const rooms = createClient(RoomService, transport);

/** A room in which people look at an asset now, or are in breakouts of it, and how many; undefined: there is none. */
export async function roomOf(projectId: bigint, assetId: bigint): Promise<{ id: string; people: number } | undefined> {
  const { rooms: all, breakouts } = await rooms.listRooms({ projectId, pageSize: 50, withBreakouts: true });
  const people = new Map<string, number>();
  for (const each of [...all, ...breakouts]) {
    const of = each.parentRoomId || each.roomId;
    if (each.state === RoomState.OPEN) people.set(of, (people.get(of) ?? 0) + each.people);
  }
  const found = all.find((each) => each.assetId === assetId && (people.get(each.roomId) ?? 0) > 0);
  return found && { id: found.roomId, people: people.get(found.roomId) ?? 0 };
}

const KEPT_MS = 12 * 3_600_000;

/** Rooms of an asset that are planned, and not long over, the next first. */
export async function plannedOf(projectId: bigint, assetId: bigint): Promise<Room[]> {
  const { rooms: all } = await rooms.listRooms({ projectId, pageSize: 100 });
  const since = Date.now() - KEPT_MS;
  return all
    .filter((each) => each.assetId === assetId && each.state === RoomState.OPEN && Number(each.startTimeMs) > since)
    .sort((a, b) => Number(a.startTimeMs - b.startTimeMs));
}

/** Makes a room that begins with an asset; gives its id. */
export async function makeRoom(projectId: bigint, assetId: bigint, terms: Terms): Promise<string> {
  const { title, capacity, waitingRoom, startMs } = terms;
  const asked = { projectId, assetId, title: title.slice(0, 200), capacity, waitingRoom, startTimeMs: BigInt(startMs), requestId: requestId() };
  return (await rooms.createRoom(asked)).room?.roomId ?? "";
}
