/** The way into a live room: begins one, or joins the one in which others look at this asset. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { explain } from "../app/error";
import { Permission } from "../document";
import type { Asset } from "../gen/rushes/project/v1/project_service_pb";
import { may } from "../library/store";
import { liveRoom } from "../live/state";
import { count, t } from "../messages";
import { Button } from "../ui/button";
import { Menu } from "../ui/menu";
import { say } from "../ui/toast";
import type { Room } from "./room";

/** Looked for when one comes to the page, and comes back to it. */
function useOngoing(asset: Asset, away: boolean): { id: string; people: number } | undefined {
  const [found, setFound] = useState<{ id: string; people: number }>();
  useEffect(() => {
    if (away) return;
    let here = true;
    const look = (): void => {
      if (document.hidden) return;
      import("../live/begin")
        .then(({ roomOf }) => roomOf(asset.projectId, asset.assetId))
        .then(
          (room) => here && setFound(room && { id: room.roomId, people: room.people }),
          // That somebody is live is an extra: when it cannot be found out, the page goes on without.
          () => undefined,
        );
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      here = false;
      document.removeEventListener("visibilitychange", look);
    };
  }, [asset.projectId, asset.assetId, away]);
  return found;
}

/** The button. */
export function GoLive({ room, asset }: { room: Room; asset: Asset }): JSX.Element | null {
  const [busy, setBusy] = useState(false);
  const live = liveRoom.value !== "";
  const ongoing = useOngoing(asset, live);
  if (live) return null;
  if (ongoing) {
    return (
      <Button small look="primary" icon="camera" label={t("live.join")} testId="live-now" onClick={() => (liveRoom.value = ongoing.id)}>
        <span class="wide-only">{count("live.now", ongoing.people)}</span>
      </Button>
    );
  }
  if (!room.session.writable.value || !may(asset.permissions, Permission.DRIVE)) return null;
  const begin = async (waitingRoom: boolean): Promise<void> => {
    setBusy(true);
    try {
      const { makeRoom } = await import("../live/begin");
      liveRoom.value = await makeRoom(asset.projectId, asset.assetId, asset.name || t("live.title"), waitingRoom);
    } catch (error) {
      say({ title: t("live.failed"), detail: explain(error), look: "bad" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Menu small icon="camera" label={t("live.go")} face={<span class="wide-only">{t("live.go")}</span>}>
      {(close) => (
        <div class="menu-list" onClick={close}>
          <button type="button" role="menuitem" class="button quiet" disabled={busy} onClick={() => void begin(false)}>
            {t("live.goOpen")}
          </button>
          <button type="button" role="menuitem" class="button quiet" disabled={busy} onClick={() => void begin(true)}>
            {t("live.goWaiting")}
          </button>
        </div>
      )}
    </Menu>
  );
}
