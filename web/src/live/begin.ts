/** Making a live room, and its link. */
import { createClient } from "@connectrpc/connect";
import { requestId, transport } from "../app/api";
import { RoomService } from "../gen/rushes/signaling/v1/room_service_pb";

export const rooms = createClient(RoomService, transport);

/** Makes a room that begins with an asset; gives its id. */
export async function makeRoom(projectId: bigint, assetId: bigint, title: string): Promise<string> {
  const { room } = await rooms.createRoom({ projectId, assetId, title: title.slice(0, 200), requestId: requestId() });
  return room?.roomId ?? "";
}
