/** Making a live room, and its link. */
import { createClient } from "@connectrpc/connect";
import { requestId, transport } from "../app/api";
import { RoomService, RoomState, type Room } from "../gen/rushes/signaling/v1/room_service_pb";

export const rooms = createClient(RoomService, transport);

/** A room in which people look at an asset now; undefined: there is none. */
export async function roomOf(projectId: bigint, assetId: bigint): Promise<Room | undefined> {
  const { rooms: all } = await rooms.listRooms({ projectId, pageSize: 50 });
  return all.find((each) => each.assetId === assetId && each.state === RoomState.OPEN && each.people > 0);
}

/** Makes a room that begins with an asset; gives its id. */
export async function makeRoom(projectId: bigint, assetId: bigint, title: string, waitingRoom: boolean): Promise<string> {
  const { room } = await rooms.createRoom({ projectId, assetId, title: title.slice(0, 200), waitingRoom, requestId: requestId() });
  return room?.roomId ?? "";
}
