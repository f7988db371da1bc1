/** Snapshots: save one, the tree of them, look at one, compare two, go back to one. */
import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { person } from "../app/people";
import { Permission } from "../document";
import { VersionKind, VersionTier, type Version } from "../gen/rushes/version/v1/version_pb";
import { t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { ago, exactly } from "../ui/when";
import type { Past } from "./past";
import { MODES } from "./showing";
import type { Restoring } from "./restore";
import { rowsOf, type Row } from "./tree";

const LANE = 14;
const ROW = 52;
const MIDDLE = 18;
const MOST_LANES = 8;
/** So many are listed, and so many more each time one asks for older ones. */
const AT_FIRST = 200;
const COLORS = ["var(--accent)", "#3ddc84", "#ff9f43", "#b388ff", "#4dd0e1", "#ff6b81", "#d4e157", "#90a4ae"];

interface VersionNode {
  id: string;
  base: string;
  merged: string;
  version: Version;
}

function nodeOf(version: Version): VersionNode {
  const id = (value: bigint): string => (value ? String(value) : "");
  return { id: id(version.versionId), base: id(version.baseVersionId), merged: id(version.mergedVersionId), version };
}

export function nameOf(version: Version): string {
  return version.message || t("history.snapshot", { n: Number(version.number) });
}

function colorOf(lane: number): string {
  return COLORS[lane % COLORS.length] ?? "";
}

/** The lines of the tree beside one snapshot. */
function Lanes({ row }: { row: Row<VersionNode> }): JSX.Element {
  const x = (lane: number): number => Math.min(lane, MOST_LANES) * LANE + 8;
  const here = x(row.lane);
  return (
    <svg class="past-lanes" width={Math.min(row.width, MOST_LANES + 1) * LANE + 4} height={ROW} aria-hidden="true">
      {row.passing.map((lane) => (
        <path key={`p${lane}`} d={`M${x(lane)} 0V${ROW}`} stroke={colorOf(lane)} />
      ))}
      {row.from.map((lane) => (
        <path key={`f${lane}`} d={`M${x(lane)} 0C${x(lane)} ${MIDDLE / 2} ${here} ${MIDDLE / 2} ${here} ${MIDDLE}`} stroke={colorOf(lane)} />
      ))}
      {row.to.map((lane) => (
        <path key={`t${lane}`} d={`M${here} ${MIDDLE}C${here} ${ROW - 8} ${x(lane)} ${ROW - 16} ${x(lane)} ${ROW}`} stroke={colorOf(lane)} />
      ))}
      <circle cx={here} cy={MIDDLE} r="4.5" fill={colorOf(row.lane)} />
    </svg>
  );
}

interface LineProps {
  room: Room;
  past: Past;
  row: Row<VersionNode>;
  restore: (asked: Restoring) => void;
  retag: (version: Version) => void;
}

function kindOf({ kind }: Version): string {
  if (kind === VersionKind.ROLLBACK) return t("history.kind.rollback");
  if (kind === VersionKind.MERGE) return t("history.kind.merge");
  return kind === VersionKind.CARRY ? t("history.kind.carry") : "";
}

function Actions({ room, past, row, restore, retag }: LineProps): JSX.Element {
  const { version } = row.node;
  const showing = past.showing.value;
  const other = showing?.kind === "version" && showing.version.versionId !== version.versionId ? showing.version : undefined;
  const may = room.has(Permission.ANNOTATE);
  const item = (close: () => void, label: string, run: () => void): JSX.Element => (
    <Item
      onClick={() => {
        close();
        run();
      }}
    >
      {label}
    </Item>
  );
  return (
    <Menu icon="more" small label={t("history.actions", { name: nameOf(version) })}>
      {(close) => (
        <>
          {other && item(close, t("history.compareWith", { name: nameOf(other) }), () => past.show({ kind: "compare", a: other, b: version, mode: "overlay" }))}
          {may && item(close, t("history.restoreThis"), () => restore({ target: { case: "versionId", value: version.versionId }, name: nameOf(version), version }))}
          {may && item(close, t("history.tag"), () => retag(version))}
          {may && item(close, t("history.branch"), () => void past.save(t("history.branchOf", { name: nameOf(version) }), version))}
          {may && other && item(close, t("history.mergeInto", { name: nameOf(other) }), () => void past.merge(version, other))}
          {may && version.tags.map((tag) => item(close, t("history.untag", { tag }), () => void past.tag(version, tag, true)))}
        </>
      )}
    </Menu>
  );
}

function Line(props: LineProps): JSX.Element {
  const { past, row } = props;
  const { version } = row.node;
  const showing = past.showing.value;
  const shown =
    (showing?.kind === "version" && showing.version.versionId === version.versionId) ||
    (showing?.kind === "compare" && [showing.a.versionId, showing.b.versionId].includes(version.versionId));
  const timeMs = Number(version.createdMs);
  const side = showing?.kind !== "compare" ? undefined : showing.a.versionId === version.versionId ? "a" : showing.b.versionId === version.versionId ? "b" : undefined;
  return (
    <li class="past-version" data-here={shown} data-side={side} data-number={`${version.number}`}>
      <Lanes row={row} />
      <button type="button" class="grow" aria-pressed={shown} onClick={() => past.choose(version)}>
        <span class="clip">
          {nameOf(version)}
          {version.versionId === past.headVersion.value && <span class="past-mark">{t("history.head")}</span>}
          {version.tags.map((tag) => (
            <span key={tag} class="past-mark">
              <Icon name="tag" size={11} /> {tag}
            </span>
          ))}
        </span>
        <span class="faint clip" title={exactly(timeMs)}>
          {Number(version.number)} · {person(version.personId).name || t("people.unknown")} · {ago(timeMs, Date.now())}
          {kindOf(version) && ` · ${kindOf(version)}`}
          {version.tier === VersionTier.COLD && ` · ${t("history.archived")}`}
        </span>
      </button>
      <Actions {...props} />
    </li>
  );
}

function Save({ past }: { past: Past }): JSX.Element {
  const message = useSignal("");
  const save = async (): Promise<void> => {
    if (await past.save(message.value.trim(), undefined)) message.value = "";
  };
  return (
    <form
      class="row past-save"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <input
        class="input grow"
        maxLength={300}
        aria-label={t("history.message")}
        placeholder={t("history.message")}
        value={message.value}
        onInput={(event) => (message.value = event.currentTarget.value)}
      />
      <Button type="submit" label={t("history.save")} disabled={past.busy.value}>
        {t("history.save")}
      </Button>
    </form>
  );
}

function Retag({ past, version, close }: { past: Past; version: Version; close: () => void }): JSX.Element {
  const tag = useSignal("");
  return (
    <form
      class="row past-save"
      onSubmit={(event) => {
        event.preventDefault();
        if (tag.value.trim()) void past.tag(version, tag.value.trim(), false).then((done) => done && close());
      }}
    >
      <input
        class="input grow"
        maxLength={64}
        aria-label={t("history.tagOf", { name: nameOf(version) })}
        placeholder={t("history.tagOf", { name: nameOf(version) })}
        ref={(element) => element?.focus()}
        onInput={(event) => (tag.value = event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && close()}
      />
      <Button type="submit" label={t("history.tag")}>
        {t("history.tag")}
      </Button>
    </form>
  );
}

/** What is to be done while two are chosen. */
function Choosing({ past }: { past: Past }): JSX.Element | null {
  if (!past.choosing.value) return null;
  const first = past.showing.value;
  return (
    <div class="row past-save" role="status" data-testid="choosing">
      <span class="grow">{first?.kind === "version" ? t("history.chooseSecond", { name: nameOf(first.version) }) : t("history.chooseFirst")}</span>
      <Button small look="quiet" label={t("ui.cancel")} onClick={() => (past.choosing.value = false)}>
        {t("ui.cancel")}
      </Button>
    </div>
  );
}

/** How two snapshots are compared. */
function Comparing({ past }: { past: Past }): JSX.Element | null {
  const showing = past.showing.value;
  if (showing?.kind !== "compare") return null;
  return (
    <div class="past-compare">
      <p class="dim clip">
        <b class="past-a">{nameOf(showing.a)}</b> · <b class="past-b">{nameOf(showing.b)}</b>
      </p>
      <div class="row" role="group" aria-label={t("history.compare")}>
        {MODES.map((mode) => (
          <Button key={mode} small look="quiet" label={t(`history.mode.${mode}`)} pressed={showing.mode === mode} onClick={() => past.show({ ...showing, mode })}>
            {t(`history.mode.${mode}`)}
          </Button>
        ))}
      </div>
    </div>
  );
}

/** The tab. */
export function Snapshots({ room, past, restore }: { room: Room; past: Past; restore: (asked: Restoring) => void }): JSX.Element {
  const rows = useComputed(() => rowsOf(past.versions.value.map(nodeOf)));
  const most = useSignal(AT_FIRST);
  const tagged = useSignal<Version | undefined>(undefined);
  return (
    <>
      {room.has(Permission.ANNOTATE) && <Save past={past} />}
      {tagged.value && <Retag past={past} version={tagged.value} close={() => (tagged.value = undefined)} />}
      <Choosing past={past} />
      <Comparing past={past} />
      <ul class="notes-list" data-testid="snapshots">
        {rows.value.slice(0, most.value).map((row) => (
          <Line key={row.node.id} room={room} past={past} row={row} restore={restore} retag={(version) => (tagged.value = version)} />
        ))}
        {rows.value.length === 0 && <li class="notes-none faint">{past.known.value ? t("history.noSnapshots") : t("ui.loading")}</li>}
        {rows.value.length > most.value && (
          <li>
            <Button small look="quiet" label={t("history.older")} onClick={() => (most.value += AT_FIRST)}>
              {t("history.older")}
            </Button>
          </li>
        )}
      </ul>
    </>
  );
}
