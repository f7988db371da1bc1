/** The notes beside the picture: list, filter, search, and the field for a new one. */
import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { keysOf } from "../app/keys";
import { person } from "../app/people";
import { Audience } from "../document";
import { count, t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { entries, SHOWS, type Board, type Drawings, type Entry, type Filter, type Show } from "./board";
import { NoteCard } from "./card";
import { Composer } from "./composer";
import "./notes.css";

function showName(show: Show): string {
  return t(`notes.show.${show}`);
}

function audienceName(audience: Audience): string {
  if (audience === Audience.UNSPECIFIED) return t("audience.both");
  return t(audience === Audience.CLIENT ? "audience.client" : "audience.internal");
}

/** What is left out, in words; empty: nothing is. */
function filterName({ show, audience }: Filter): string {
  const parts = [show === "all" ? "" : showName(show), audience === Audience.UNSPECIFIED ? "" : audienceName(audience)];
  return parts.filter(Boolean).join(" · ");
}

function FilterMenu({ room, filter, set }: { room: Room; filter: Filter; set: (filter: Filter) => void }): JSX.Element {
  const narrow = filterName(filter);
  return (
    <Menu icon="filter" small label={t("notes.filter")} face={narrow ? <span>{narrow}</span> : undefined}>
      {(close) => (
        <>
          {SHOWS.map((show) => (
            <Item
              key={show}
              checked={filter.show === show}
              onClick={() => {
                set({ ...filter, show });
                close();
              }}
            >
              {showName(show)}
            </Item>
          ))}
          {room.session.seesInternal.value && (
            <>
              <hr />
              {[Audience.UNSPECIFIED, Audience.INTERNAL, Audience.CLIENT].map((audience) => (
                <Item
                  key={audience}
                  checked={filter.audience === audience}
                  onClick={() => {
                    set({ ...filter, audience });
                    close();
                  }}
                >
                  {audienceName(audience)}
                </Item>
              ))}
            </>
          )}
        </>
      )}
    </Menu>
  );
}

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

/** The panel. */
export function NotesPanel({ room, board }: { room: Room; board: Board }): JSX.Element {
  const { filter } = room;
  const searching = useSignal(filter.peek().query !== "");
  const held = useSignal(board);
  if (held.peek() !== board) held.value = board;
  const list = useComputed(() => entries(held.value, filter.value, room.personId));
  const total = board.threads.length;
  const found = list.value.filter((entry) => entry.kind === "thread").length;
  // Rendered again when other notes are on the frame, not for each frame that plays.
  const here = useComputed(() => {
    const frame = room.player.frame.value;
    return list.value
      .map(rangeOf)
      .flatMap(([first, last], at) => (first <= frame && frame <= last ? [at] : []))
      .join();
  });
  const onFrame = new Set(here.value.split(",").filter(Boolean).map(Number));
  return (
    <aside class="notes" aria-label={t("notes.title")}>
      <header class="row notes-head">
        <h2 class="grow">{found < total ? t("notes.found", { n: found, total }) : count("notes.count", total)}</h2>
        <FilterMenu room={room} filter={filter.value} set={(next) => (filter.value = next)} />
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
        <Button small look="quiet" icon="close" label={t("notes.hide")} keys={keysOf("view.panel")} onClick={() => (room.panel.value = false)} />
      </header>
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
      <ul class="notes-list">
        {list.value.map((entry, at) =>
          entry.kind === "thread" ? (
            <NoteCard
              key={entry.thread.root.id}
              room={room}
              thread={entry.thread}
              here={onFrame.has(at)}
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
      </ul>
      <Composer room={room} />
    </aside>
  );
}
