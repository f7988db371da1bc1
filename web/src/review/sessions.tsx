/** Live sessions on this asset that are over: each can be watched again. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { explain } from "../app/error";
import type { Asset } from "../gen/rushes/project/v1/project_service_pb";
import { RoomState, type Room } from "../gen/rushes/signaling/v1/room_service_pb";
import { liveRoom, replayed } from "../live/state";
import { t } from "../messages";
import { Menu } from "../ui/menu";
import { duration, exactly } from "../ui/when";

/** Of these the sessions on an asset that are over, the newest first: a breakout may be of an asset of its own. */
function over(rooms: readonly Room[], asset: Asset): readonly Room[] {
  return rooms
    .filter((each) => each.assetId === asset.assetId && each.state === RoomState.ENDED)
    .sort((a, b) => Number(b.createTimeMs - a.createTimeMs));
}

/** Fetched when the list is opened. */
function Past({ asset, close }: { asset: Asset; close: () => void }): JSX.Element {
  const [found, setFound] = useState<readonly Room[]>();
  const [error, setError] = useState("");
  useState(() => {
    import("../live/begin")
      .then(({ rooms }) => rooms.listRooms({ projectId: asset.projectId, pageSize: 100, withBreakouts: true }))
      .then(
        ({ rooms, breakouts }) => setFound(over([...rooms, ...breakouts], asset)),
        (failure: unknown) => setError(explain(failure)),
      );
  });
  if (error || !found) return <p class="dim" role="status">{error || t("ui.loading")}</p>;
  if (found.length === 0) return <p class="dim">{t("replay.none")}</p>;
  return (
    <div class="menu-list" data-testid="sessions">
      {found.map((each) => (
        <button key={each.roomId} type="button" role="menuitem" class="button quiet" onClick={() => { replayed.value = each.roomId; close(); }}>
          <span class="clip grow">{exactly(Number(each.createTimeMs))}</span>
          <span class="faint mono">{duration((Number(each.endTimeMs) - Number(each.createTimeMs)) / 1000)}</span>
        </button>
      ))}
    </div>
  );
}

/** The list; nothing while one is in a session. */
export function Sessions({ asset }: { asset: Asset }): JSX.Element | null {
  if (liveRoom.value !== "" || replayed.value !== "") return null;
  return (
    <span class="wide-only">
      <Menu icon="history" label={t("replay.sessions")}>
        {(close) => <Past asset={asset} close={close} />}
      </Menu>
    </span>
  );
}
