/** The bar above the picture: asset, cut, people, and whether all is saved. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { keysOf } from "../app/keys";
import { person } from "../app/people";
import { navigate } from "../app/router";
import { Mark } from "../app/signin";
import { CompareMenu } from "../compare/bar";
import type { Compare } from "../compare/compare";
import type { Past } from "../history/past";
import { Permission } from "../document";
import type { Asset } from "../gen/rushes/project/v1/project_service_pb";
import { Account } from "../library/account";
import { Share } from "../library/share";
import { may } from "../library/store";
import { count, t } from "../messages";
import type { Other } from "../session/presence";
import type { Status } from "../session/status";
import { Button } from "../ui/button";
import { css } from "../ui/color";
import { Item, Menu } from "../ui/menu";
import { Avatar } from "../ui/person";
import { AssetStatus, CutRemarks, Cuts } from "./cuts";
import { ExportChoices, ExportMenu, useExporting, type Exporting } from "./export";
import { GoLive } from "./golive";
import { Sessions } from "./sessions";
import type { Room } from "./room";

const SHOWN_PEOPLE = 6;

function statusWords(status: Status): string {
  switch (status.kind) {
    case "saving":
      return count("status.saving", status.pending);
    case "offline":
      return status.pending > 0 ? count("status.offlinePending", status.pending) : t("status.offline");
    case "reconnecting":
      return status.pending > 0 ? count("status.reconnectingPending", status.pending) : t("status.reconnecting");
    case "trouble":
      return t("status.trouble");
    case "notSaved":
      return count("status.notSaved", status.pending);
    default:
      return t(`status.${status.kind}`);
  }
}

function statusDetail(status: Status): string {
  if (status.kind === "trouble") return `${status.message} ${t("status.troubleDetail")}`;
  if (status.kind === "offline" || status.kind === "reconnecting") return t("status.offlineDetail");
  if (status.kind === "saved") return t("status.savedDetail");
  return statusWords(status);
}

const LOOK: Record<Status["kind"], "good" | "busy" | "bad" | "dim"> = {
  connecting: "busy",
  saved: "good",
  saving: "busy",
  resumed: "good",
  reconnecting: "busy",
  offline: "bad",
  trouble: "bad",
  notSaved: "bad",
  readOnly: "dim",
  signedOut: "bad",
  gone: "bad",
  forbidden: "bad",
};

/** Whether all is saved, and how the connection is. */
export function Connection({ room }: { room: Room }): JSX.Element {
  const { session } = room;
  const status = session.status.value;
  const latency = session.latencyMs.value;
  const stuck = status.kind === "offline" || status.kind === "reconnecting";
  const signIn = (): void => navigate(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  return (
    <div class="connection" role="status" data-status={status.kind} data-testid="status" title={statusDetail(status)}>
      <i class={`lamp ${LOOK[status.kind]}`} />
      <span class="clip">{statusWords(status)}</span>
      {latency !== undefined && (
        <span class="faint mono wide-only" title={t("status.latency")} data-testid="latency">
          {t("status.milliseconds", { n: Math.max(1, Math.round(latency)) })}
        </span>
      )}
      {stuck && (
        <Button small look="quiet" label={t("status.retry")} onClick={() => session.retry()}>
          {t("status.retry")}
        </Button>
      )}
      {status.kind === "signedOut" && (
        <Button small label={t("signin.title")} onClick={signIn}>
          {t("signin.title")}
        </Button>
      )}
    </div>
  );
}

/** Everybody once, whichever window they were in last. */
export function onePerPerson(others: readonly Other[]): Other[] {
  const seen = new Map<string, Other>();
  for (const other of others) if (!seen.has(other.personId)) seen.set(other.personId, other);
  return [...seen.values()];
}

function People({ room }: { room: Room }): JSX.Element {
  const { session } = room;
  const people = onePerPerson(session.others.value);
  const shown = people.slice(0, SHOWN_PEOPLE);
  const more = people.length - shown.length + session.moreOthers.value;
  const following = room.followed.value;
  return (
    <div class="people" role="group" aria-label={t("people.here")}>
      {shown.map((other) => {
        const known = person(other.personId);
        const name = other.personId === room.personId ? t("people.yourOther") : other.name || known.name;
        const followed = following?.personId === other.personId;
        const where = room.names(Math.min(other.frame, room.player.clock.last)).timecode;
        return (
          <button
            key={other.clientId}
            type="button"
            class="person"
            aria-pressed={followed}
            aria-label={followed ? t("people.unfollow", { name }) : t("people.follow", { name })}
            data-tip={followed ? t("people.unfollow", { name }) : `${t("people.follow", { name })} · ${where}`}
            data-person={other.personId}
            style={{ "--person": css(known.color) }}
            onClick={() => room.follow(other.clientId)}
          >
            <Avatar name={other.name || known.name} color={known.color} />
          </button>
        );
      })}
      {more > 0 && <span class="faint">+{more}</span>}
    </div>
  );
}

interface MoreProps {
  room: Room;
  asset: Asset;
  exporting: Exporting;
  close: () => void;
}

/** What a phone's bar has no room for. */
function More({ room, asset, exporting, close }: MoreProps): JSX.Element {
  const shown = useSignal<"" | "export" | "share">("");
  const place = useRef<HTMLDivElement>(null);
  // The line that was pressed is gone, and the focus with it.
  useLayoutEffect(() => (shown.value ? place.current?.querySelector<HTMLElement>(".item, select, button")?.focus() : undefined), [shown.value]);
  if (shown.value) {
    return (
      <div ref={place}>
        {shown.value === "export" ? <ExportChoices room={room} exporting={exporting} close={close} /> : <Share project={asset.projectId} />}
      </div>
    );
  }
  return (
    <>
      <Item icon="download" onClick={() => (shown.value = "export")}>
        {t("export.title")}
      </Item>
      {may(asset.permissions, Permission.ADMINISTER) && (
        <Item icon="share" onClick={() => (shown.value = "share")}>
          {t("share.title")}
        </Item>
      )}
    </>
  );
}

interface BarProps {
  room: Room;
  /** The room's asset as it is now. */
  asset: Asset;
  changed: (asset: Asset) => void;
  compare: Compare;
  past: Past;
  showKeys: () => void;
}

/** The bar. */
export function TopBar({ room, asset, changed, compare, past, showKeys }: BarProps): JSX.Element {
  const exporting = useExporting(room);
  return (
    <header class="topbar">
      <a class="button quiet icon" href={`/?project=${asset.projectId}`} aria-label={t("review.back")} data-tip={t("review.back")}>
        <Mark />
      </a>
      <h1 class="clip" title={asset.name}>
        {asset.name}
      </h1>
      <Cuts room={room} asset={asset} changed={changed} compare={compare} />
      <span class="roomy-only">
        <CutRemarks room={room} />
      </span>
      <CompareMenu compare={compare} past={past} />
      <AssetStatus room={room} asset={asset} changed={changed} />
      <span class="grow" />
      <Connection room={room} />
      <People room={room} />
      <GoLive room={room} asset={asset} />
      <span class="roomy-only">
        <Sessions asset={asset} />
        <ExportMenu room={room} exporting={exporting} />
        {may(asset.permissions, Permission.ADMINISTER) && (
          <Menu icon="share" label={t("share.title")}>
            {() => <Share project={asset.projectId} />}
          </Menu>
        )}
      </span>
      <span class="phone-only">
        <Menu icon="more" label={t("ui.more")}>
          {(close) => <More room={room} asset={asset} exporting={exporting} close={close} />}
        </Menu>
      </span>
      <Button
        look="quiet"
        icon="panel"
        label={room.panel.value ? t("notes.hide") : t("notes.show")}
        keys={keysOf("view.panel")}
        pressed={room.panel.value}
        onClick={() => (room.panel.value = !room.panel.value)}
      />
      <span class="wide-only">
        <Button look="quiet" icon="help" label={t("keys.title")} keys={keysOf("help.keys")} onClick={showKeys} />
      </span>
      <span class="roomy-only">
        <Account />
      </span>
    </header>
  );
}
