/** The notes beside the picture: list, filter, search, and the field for a new one. */
import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { keysOf } from "../app/keys";
import { person } from "../app/people";
import { Bring, mayBring, sourceOf } from "../history/bring";
import type { Past } from "../history/past";
import { count, t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { entries, tagsOf, type Board, type Drawings, type Entry, type Filter, type Thread } from "./board";
import { NoteCard } from "./card";
import { Composer } from "./composer";
import { resolve } from "./fields";
import { FilterMenu, ViewMenu } from "./filter";
import { labelsOf } from "./label";
import { listKey } from "./list_keys";
import { Reading } from "./reading";
import "./notes.css";

function DrawingsLine({ room, drawings, here }: { room: Room; drawings: Drawings; here: boolean }): JSX.Element {
  const names = drawings.authors.map((id) => person(id || room.personId).name || t("people.unknown")).join(", ");
  return (
    <li class="drawings" data-here={here}>
      <button type="button" onClick={() => room.goTo(drawings.first)} data-tip={t("notes.jump")}>
        <Icon name="pen" size={14} />
        <span class="mono">{room.names(drawings.frame).timecode}</span>
        <span class="grow clip dim">
          {drawings.text || count("notes.drawings", drawings.count)} · {names}
        </span>
      </button>
    </li>
  );
}

function rangeOf(entry: Entry): [first: number, last: number] {
  if (entry.kind === "thread") return [entry.thread.root.firstFrame, entry.thread.root.lastFrame];
  return [entry.drawings.frame, entry.drawings.first.lastFrame];
}

/** What can be done with all that is listed. */
function ListMenu({ room, threads, reading, bring }: { room: Room; threads: readonly Thread[]; reading: Reading; bring: () => void }): JSX.Element {
  const from = sourceOf(room);
  const mine = threads.filter(({ root }) => room.mayChange(root));
  const open = mine.filter(({ root }) => !root.resolved);
  const done = mine.filter(({ root }) => root.resolved);
  const unread = threads.filter(({ root }) => reading.unread.value.has(root.id));
  return (
    <Menu icon="more" small label={t("notes.listed")}>
      {(close) => {
        const item = (icon: "check" | "undo" | "eye", label: string, list: readonly Thread[], run: () => void): JSX.Element => (
          <Item
            icon={icon}
            disabled={list.length === 0}
            onClick={() => {
              close();
              run();
            }}
          >
            {label}
          </Item>
        );
        return (
          <>
            {item("check", count("notes.resolveAll", open.length), open, () => resolve(room, open, true))}
            {item("undo", count("notes.reopenAll", done.length), done, () => resolve(room, done, false))}
            {item("eye", count("notes.readAll", unread.length), unread, () => reading.read(unread))}
            {from && mayBring(room) && (
              <Item
                icon="copy"
                onClick={() => {
                  close();
                  bring();
                }}
              >
                {t("history.bringFrom", { number: from.number })}
              </Item>
            )}
          </>
        );
      }}
    </Menu>
  );
}

/** The panel. */
export function NotesPanel({ room, board, past }: { room: Room; board: Board; past: Past }): JSX.Element {
  const { filter } = room;
  const searching = useSignal(filter.peek().query !== "");
  const replying = useSignal("");
  const bringing = useSignal(false);
  const reading = useMemo(() => new Reading(room.cut.videoId, room.personId), [room]);
  // What was unread when one asked for it stays listed while one reads it.
  const asked = useSignal<ReadonlySet<string>>(new Set());
  if (reading.board.peek() !== board) reading.board.value = board;
  const set = (next: Filter): void => {
    if (next.show === "unread" && filter.peek().show !== "unread") asked.value = reading.unread.peek();
    filter.value = next;
  };
  const list = useComputed(() => {
    const unread = (thread: Thread): boolean => asked.value.has(thread.root.id) || reading.unread.value.has(thread.root.id);
    return entries(reading.board.value, filter.value, { me: room.personId, unread });
  });
  const threads = list.value.flatMap((entry) => (entry.kind === "thread" ? [entry.thread] : []));
  const known = useComputed(() => tagsOf(reading.board.value));
  const plain = labelsOf(known.value).plain;
  const total = board.threads.length;
  const unreadCount = reading.unread.value.size;
  // Rendered again when other notes are on the frame, not for each frame that plays.
  const here = useComputed(() => {
    const frame = room.player.frame.value;
    return list.value
      .map(rangeOf)
      .flatMap(([first, last], at) => (first <= frame && frame <= last ? [at] : []))
      .join();
  });
  const onFrame = new Set(here.value.split(",").filter(Boolean).map(Number));
  const current = threads.some(({ root }) => root.id === room.note.value) ? room.note.value : threads[0]?.root.id;
  return (
    <aside class="notes" aria-label={t("notes.title")}>
      <header class="row notes-head">
        <h2 class="clip">{threads.length < total ? t("notes.found", { n: threads.length, total }) : count("notes.count", total)}</h2>
        {unreadCount > 0 && (
          <button type="button" class="notes-unread" onClick={() => set({ ...filter.peek(), show: filter.peek().show === "unread" ? "all" : "unread" })}>
            {count("notes.unreadCount", unreadCount)}
          </button>
        )}
        <span class="grow" />
        <FilterMenu room={room} filter={filter.value} known={known.value} set={set} />
        <ViewMenu filter={filter.value} set={set} />
        <Button
          small
          look="quiet"
          icon="search"
          label={t("notes.search")}
          pressed={searching.value}
          onClick={() => {
            searching.value = !searching.value;
            if (!searching.value) filter.value = { ...filter.value, query: "" };
          }}
        />
        <Button small look="quiet" icon="history" label={t("history.open")} onClick={() => (room.side.value = "history")} />
        <ListMenu room={room} threads={threads} reading={reading} bring={() => (bringing.value = true)} />
        <Button small look="quiet" icon="close" label={t("notes.hide")} keys={keysOf("view.panel")} onClick={() => (room.panel.value = false)} />
      </header>
      {bringing.value && <Bring room={room} past={past} close={() => (bringing.value = false)} />}
      {searching.value && (
        <input
          class="input notes-search"
          type="search"
          aria-label={t("notes.search")}
          placeholder={t("notes.search")}
          ref={(element) => {
            if (element && !element.value && document.activeElement !== element) element.focus();
          }}
          value={filter.value.query}
          onInput={(event) => (filter.value = { ...filter.value, query: event.currentTarget.value })}
        />
      )}
      <ul
        class="notes-list"
        onKeyDown={(event) => {
          if (!listKey(event, { room, reading, threads, reply: (id) => (replying.value = id) })) return;
          event.preventDefault();
          event.stopPropagation();
        }}
      >
        {list.value.map((entry, at) =>
          entry.kind === "thread" ? (
            <NoteCard
              key={entry.thread.root.id}
              room={room}
              thread={entry.thread}
              here={onFrame.has(at)}
              current={entry.thread.root.id === current}
              replying={replying}
              reading={reading}
              known={plain}
              pick={(tag) => set({ ...filter.peek(), tags: filter.peek().tags.includes(tag) ? [] : [tag] })}
            />
          ) : (
            <DrawingsLine key={`d${entry.drawings.frame}`} room={room} drawings={entry.drawings} here={onFrame.has(at)} />
          ),
        )}
        {list.value.length === 0 && (
          <li class="notes-none faint">
            {!room.session.loaded.value ? t("ui.loading") : total + board.drawings.length === 0 ? t("notes.none") : t("notes.noneFound")}
          </li>
        )}
        {room.session.loaded.value && total + board.drawings.length === 0 && !bringing.value && mayBring(room) && (
          <li>
            <Bring room={room} past={past} />
          </li>
        )}
      </ul>
      <Composer room={room} known={plain} />
    </aside>
  );
}
