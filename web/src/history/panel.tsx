/** History and snapshots, in the place of the notes. */
import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { person } from "../app/people";
import { Permission } from "../document";
import type { Commit } from "../gen/rushes/annotation/v1/operation_pb";
import { t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { Item, Menu } from "../ui/menu";
import { ago, exactly } from "../ui/when";
import { momentOf } from "./moment";
import type { Past } from "./past";
import { Restore, type Restoring } from "./restore";
import { Snapshots } from "./snapshots";
import { wordsOf } from "./words";

const SIDES = ["notes", "history", "snapshots"] as const;

/** Notes, history or snapshots. */
export function Sides({ room }: { room: Room }): JSX.Element {
  return (
    <div class="row sides grow" role="group" aria-label={t("history.sides")}>
      {SIDES.map((side) => (
        <Button key={side} small look="quiet" label={t(`history.side.${side}`)} pressed={room.side.value === side} onClick={() => (room.side.value = side)}>
          {t(`history.side.${side}`)}
        </Button>
      ))}
    </div>
  );
}

function AuthorMenu({ room, past }: { room: Room; past: Past }): JSX.Element {
  const authors = useComputed(() => {
    const seen = room.session.version.value >= 0 ? room.session.client.screen.annotations : [];
    return [...new Set(seen.map(({ annotation }) => annotation.authorId || room.personId))].sort();
  });
  const now = past.author.value;
  const choose = (author: string, close: () => void): void => {
    past.author.value = author;
    close();
  };
  return (
    <Menu icon="person" small label={t("history.author")} face={now ? <span>{person(now).name}</span> : undefined}>
      {(close) => (
        <>
          <Item checked={!now} onClick={() => choose("", close)}>
            {t("history.everybody")}
          </Item>
          {authors.value.map((id) => (
            <Item key={id} checked={now === id} onClick={() => choose(id, close)}>
              {person(id).name || t("people.unknown")}
            </Item>
          ))}
        </>
      )}
    </Menu>
  );
}

function Slider({ room, past, restore }: { room: Room; past: Past; restore: (asked: Restoring) => void }): JSX.Element {
  const head = useComputed(() => (room.session.version.value >= 0 ? past.head : 0)).value;
  const showing = past.showing.value;
  const at = showing?.kind === "revision" ? Math.min(showing.revision, head) : head;
  const go = (revision: number): void => past.show(revision >= head ? undefined : { kind: "revision", revision: Math.max(0, revision) });
  // The steps of the frame: where something on it changed.
  const steps = past.commits.value.map(({ revision }) => Number(revision));
  const before = steps.find((revision) => revision <= at);
  const after = [...steps].reverse().find((revision) => revision > at);
  return (
    <div class="past-slider">
      <div class="row">
        <Button small look="quiet" icon="previous" label={t("history.stepBack")} disabled={before === undefined} onClick={() => go((before ?? 1) - 1)} />
        <input
          class="grow"
          type="range"
          min={0}
          max={head}
          value={at}
          aria-label={t("history.slider")}
          aria-valuetext={at >= head ? t("history.now") : exactly(past.timeMs.value)}
          data-testid="past-slider"
          onInput={(event) => go(Number(event.currentTarget.value))}
        />
        <Button small look="quiet" icon="next" label={t("history.stepOn")} disabled={after === undefined} onClick={() => go(after ?? head)} />
      </div>
      <div class="row dim">
        <span class="grow" data-testid="past-time">
          {showing?.kind !== "revision" ? t("history.now") : past.timeMs.value ? exactly(past.timeMs.value) : t("history.beginning")}
        </span>
        {showing?.kind === "revision" && room.has(Permission.ANNOTATE) && (
          <Button small label={t("history.restoreThis")} onClick={() => restore({ target: { case: "revision", value: BigInt(at) }, name: past.timeMs.value ? exactly(past.timeMs.value) : t("history.revision", { n: at }) })}>
            {t("history.restoreThis")}
          </Button>
        )}
      </div>
    </div>
  );
}

/** A moment that is typed, instead of found with the slider. */
function When({ past }: { past: Past }): JSX.Element {
  const typed = useSignal("");
  const wrong = useSignal("");
  const go = (): void => {
    const [text, nowMs] = [typed.value.trim(), Date.now()];
    const timeMs = text ? momentOf(text, nowMs) : nowMs;
    wrong.value = timeMs === undefined ? t("history.noTime") : timeMs > nowMs ? t("history.toCome") : "";
    if (timeMs === undefined || timeMs > nowMs) return;
    if (text) void past.showAt(timeMs);
    else past.show(undefined);
  };
  return (
    <form
      class="past-when"
      onSubmit={(event) => {
        event.preventDefault();
        go();
      }}
    >
      <div class="row">
        <input
          class="input grow"
          value={typed.value}
          placeholder={t("history.whenExample")}
          aria-label={t("history.when")}
          aria-invalid={wrong.value !== ""}
          data-testid="past-when"
          onInput={(event) => {
            typed.value = event.currentTarget.value;
            wrong.value = "";
          }}
        />
        <Button small type="submit" label={t("history.whenShow")}>
          {t("history.whenShow")}
        </Button>
      </div>
      {wrong.value && (
        <p class="faint" role="alert">
          {wrong.value}
        </p>
      )}
    </form>
  );
}

function CommitLine({ past, commit, here }: { past: Past; commit: Commit; here: boolean }): JSX.Element {
  const revision = Number(commit.revision);
  const timeMs = Number(commit.timeMs);
  const line = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (here) line.current?.scrollIntoView({ block: "nearest" });
  }, [here]);
  return (
    <li ref={line} class="past-commit" data-here={here}>
      <button type="button" onClick={() => past.show({ kind: "revision", revision })} data-tip={t("history.showThis")}>
        <span class="dot" style={{ background: `#${person(commit.personId).color.toString(16).padStart(6, "0")}` }} />
        <span class="grow clip">
          {person(commit.personId).name || t("people.unknown")} <span class="dim">{wordsOf(commit)}</span>
        </span>
        <time class="faint" dateTime={new Date(timeMs).toISOString()} title={exactly(timeMs)}>
          {ago(timeMs, Date.now())}
        </time>
      </button>
    </li>
  );
}

function FrameHistory({ room, past, restore }: { room: Room; past: Past; restore: (asked: Restoring) => void }): JSX.Element {
  const showing = past.showing.value;
  const at = showing?.kind === "revision" ? showing.revision : Number.MAX_SAFE_INTEGER;
  const commits = past.commits.value;
  const current = commits.find(({ revision }) => Number(revision) <= at)?.revision;
  return (
    <>
      <Slider room={room} past={past} restore={restore} />
      <When past={past} />
      <div class="row past-of">
        <h3 class="grow">{t("history.ofFrame", { frame: room.names(room.player.frame.value).number })}</h3>
        <AuthorMenu room={room} past={past} />
      </div>
      <ul class="notes-list" data-testid="frame-history">
        {commits.map((commit) => (
          <CommitLine key={`${commit.revision}`} past={past} commit={commit} here={commit.revision === current} />
        ))}
        {commits.length === 0 && <li class="notes-none faint">{t("history.none")}</li>}
        {past.moreCommits.value && (
          <li>
            <Button small look="quiet" label={t("history.older")} onClick={() => void past.olderCommits()}>
              {t("history.older")}
            </Button>
          </li>
        )}
      </ul>
    </>
  );
}

/** The panel. */
export function HistoryPanel({ room, past }: { room: Room; past: Past }): JSX.Element {
  const asked = useSignal<Restoring | undefined>(undefined);
  const restore = (next: Restoring): void => void (asked.value = next);
  const snapshots = room.side.value === "snapshots";
  return (
    <aside class="notes past" aria-label={t(snapshots ? "history.side.snapshots" : "history.side.history")} aria-busy={past.busy.value}>
      <header class="row notes-head">
        <Sides room={room} />
        <Button small look="quiet" icon="close" label={t("notes.hide")} onClick={() => (room.panel.value = false)} />
      </header>
      {snapshots ? <Snapshots room={room} past={past} restore={restore} /> : <FrameHistory room={room} past={past} restore={restore} />}
      {asked.value && <Restore room={room} past={past} asked={asked.value} close={() => (asked.value = undefined)} />}
    </aside>
  );
}
