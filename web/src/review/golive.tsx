/** The way into a live room: begins one, or joins the one in which others look at this asset. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { explain } from "../app/error";
import { Permission } from "../document";
import type { Asset } from "../gen/rushes/project/v1/project_service_pb";
import { may } from "../library/store";
import { Invitation, RoomForm, type Terms } from "../live/roomform";
import { liveRoom } from "../live/state";
import { count, t } from "../messages";
import { Button } from "../ui/button";
import { Menu } from "../ui/menu";
import { say } from "../ui/toast";
import { exactly } from "../ui/when";
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
          (room) => here && setFound(room),
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
  return <Begin asset={asset} />;
}

/** Begins a session now, or plans one. */
function Begin({ asset }: { asset: Asset }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [planning, setPlanning] = useState(false);
  const [planned, setPlanned] = useState<readonly Planned[]>([]);
  const run = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    try {
      await work();
    } catch (error) {
      say({ title: t("live.failed"), detail: explain(error), look: "bad" });
    } finally {
      setBusy(false);
    }
  };
  const terms = { title: asset.name || t("live.title"), capacity: 100, waitingRoom: false, startMs: 0 };
  const look = async (): Promise<void> => {
    const { plannedOf } = await import("../live/begin");
    setPlanned((await plannedOf(asset.projectId, asset.assetId)).map(({ roomId: id, title, startTimeMs }) => ({ id, title, startMs: Number(startTimeMs) })));
  };
  const begin = (waitingRoom: boolean): Promise<void> =>
    run(async () => {
      const { makeRoom } = await import("../live/begin");
      liveRoom.value = await makeRoom(asset.projectId, asset.assetId, { ...terms, waitingRoom });
    });
  const plan = (wanted: Terms): Promise<void> =>
    run(async () => {
      const { makeRoom } = await import("../live/begin");
      await makeRoom(asset.projectId, asset.assetId, wanted);
      await look();
      setPlanning(false);
    });
  return (
    <Menu small icon="camera" label={t("live.go")} face={<span class="wide-only">{t("live.go")}</span>}>
      {(close) =>
        planning ? (
          <RoomForm terms={{ ...terms, startMs: nextHour(Date.now()) }} save={plan} cancel={() => setPlanning(false)} />
        ) : (
          <div class="menu-list">
            <Item busy={busy} label={t("live.goOpen")} run={() => { close(); void begin(false); }} />
            <Item busy={busy} label={t("live.goWaiting")} run={() => { close(); void begin(true); }} />
            <Item busy={busy} label={t("room.plan")} run={() => { setPlanning(true); void look().catch(() => undefined); }} />
            <PlannedList asset={asset} look={look} planned={planned} close={close} />
          </div>
        )
      }
    </Menu>
  );
}

interface Planned {
  id: string;
  title: string;
  startMs: number;
}

function Item({ busy, label, run }: { busy: boolean; label: string; run: () => void }): JSX.Element {
  return (
    <button type="button" role="menuitem" class="button quiet" disabled={busy} onClick={run}>
      {label}
    </button>
  );
}

/** Sessions that are planned for this clip: their links and calendar entries, and the way in. */
function PlannedList({ asset, look, planned, close }: { asset: Asset; look: () => Promise<void>; planned: readonly Planned[]; close: () => void }): JSX.Element | null {
  // That something is planned is an extra: when it cannot be found out, the menu is as it is.
  useEffect(() => void look().catch(() => undefined), [asset.assetId]);
  if (planned.length === 0) return null;
  return (
    <ul class="plain planned" aria-label={t("room.planned")}>
      {planned.map(({ id, title, startMs }) => (
        <li key={id}>
          <button type="button" role="menuitem" class="button quiet" onClick={() => { close(); liveRoom.value = id; }}>
            <span class="clip">{title}</span> <span class="faint">{exactly(startMs)}</span>
          </button>
          <Invitation id={id} path={`/a/${asset.assetId}?r=${id}`} title={title} startMs={startMs} />
        </li>
      ))}
    </ul>
  );
}

function nextHour(nowMs: number): number {
  return Math.ceil((nowMs + 1) / 3_600_000) * 3_600_000;
}
