/** A note with its thread. */
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { audienceFace } from "../canvas/toolbar";
import { AnnotationKind, Audience, newAnnotation, Permission } from "../document";
import { t } from "../messages";
import type { Room } from "../review/room";
import { makeId } from "../session/session";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import type { Thread } from "./board";
import { resolve, tidy } from "./fields";
import { LabelMenu, Marks, Tags } from "./labels";
import { authorOf, Line, tagsOfText } from "./line";
import type { Reading } from "./reading";
import { isSend, sendKeys } from "./send";
import { Suggest } from "./suggest";

/** As long as one needs to see that something is there, and to read a line. */
const READ_AFTER_MS = 1200;

function Reply({ room, thread, known, done }: { room: Room; thread: Thread; known: readonly string[]; done: () => void }): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  const send = (): void => {
    const text = field.current?.value.trim() ?? "";
    if (!text) return done();
    const { root } = thread;
    const { firstFrame, lastFrame } = root;
    const tags = tidy(tagsOfText(room, text));
    const reply = newAnnotation({ id: makeId(), kind: AnnotationKind.COMMENT, text, tags, parentId: root.id, firstFrame, lastFrame });
    if (room.session.submit([{ kind: "create", annotation: reply }])) done();
  };
  return (
    <div class="note-edit">
      <Suggest room={room} field={field} tags={known} />
      <textarea
        ref={field}
        class="input"
        rows={2}
        maxLength={1300}
        aria-label={t("notes.reply")}
        placeholder={t("notes.replyPlaceholder")}
        onKeyDown={(event) => {
          if (event.isComposing || (event.key !== "Escape" && !isSend(event))) return;
          event.preventDefault();
          event.stopPropagation();
          if (event.key === "Escape") done();
          else send();
        }}
      />
      <div class="row">
        <span class="grow" />
        <Button small look="quiet" label={t("ui.cancel")} onClick={done}>
          {t("ui.cancel")}
        </Button>
        <Button small look="primary" label={t("notes.reply")} keys={sendKeys()} onClick={send}>
          {t("notes.reply")}
        </Button>
      </div>
    </div>
  );
}

/** Marks a thread as read once it has been on screen for a moment. */
function useReading(card: { current: HTMLElement | null }, unread: boolean, read: () => void): void {
  useEffect(() => {
    const element = card.current;
    if (!unread || !element) return;
    let timer = 0;
    const watch = new IntersectionObserver(
      (entries) => {
        const seen = entries.some((entry) => entry.isIntersecting);
        clearTimeout(timer);
        timer = seen ? window.setTimeout(() => (document.visibilityState === "visible" ? read() : undefined), READ_AFTER_MS) : 0;
      },
      { threshold: 0.6 },
    );
    watch.observe(element);
    return () => {
      clearTimeout(timer);
      watch.disconnect();
    };
  }, [unread]);
}

export interface NoteCardProps {
  room: Room;
  thread: Thread;
  here: boolean;
  /** Tab leads to it. */
  current: boolean;
  /** The note that is answered; empty: none. */
  replying: Signal<string>;
  reading: Reading;
  /** Tags of all notes. */
  known: readonly string[];
  pick: (tag: string) => void;
}

/** The card. */
export function NoteCard({ room, thread, here, current, replying, reading, known, pick }: NoteCardProps): JSX.Element {
  const { root, replies } = thread;
  const card = useRef<HTMLLIElement>(null);
  const chosen = room.note.value === root.id;
  const unread = reading.unread.value.has(root.id);
  useLayoutEffect(() => {
    if (chosen) card.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  useReading(card, unread, () => reading.read([thread]));
  const { writable, seesInternal } = room.session;
  const mayResolve = writable.value && (authorOf(room, root) === room.personId || room.has(Permission.EDIT_OTHERS));
  // The field goes, and with it the focus: the list has it again.
  const answered = (): void => {
    replying.value = "";
    card.current?.focus();
  };
  const { number, timecode } = room.names(root.firstFrame);
  const face = audienceFace(root.audience);
  const frames = root.lastFrame > root.firstFrame ? `${number}–${room.names(root.lastFrame).number}` : number;
  return (
    <li
      ref={card}
      class="note"
      tabIndex={current ? 0 : -1}
      aria-label={`${timecode} ${root.text}`}
      data-here={here}
      data-chosen={chosen}
      data-resolved={root.resolved}
      data-unread={unread}
      data-note={root.id}
    >
      <div class="row note-head">
        {unread && <i class="note-unread" role="img" aria-label={t("notes.unread")} />}
        <button type="button" class="note-jump mono" data-tip={t("notes.jump")} onClick={() => room.goTo(root)}>
          {timecode} <span class="faint">{frames}</span>
        </button>
        <Marks tags={root.tags} />
        <span class="grow" />
        {seesInternal.value && (
          <span class={`note-audience ${root.audience === Audience.CLIENT ? "client" : "internal"}`} title={face.label}>
            <Icon name={face.icon} size={13} />
            {face.label}
          </span>
        )}
        {room.mayChange(root) && <LabelMenu room={room} annotation={root} known={known} />}
        <Button
          small
          look="quiet"
          icon="check"
          label={root.resolved ? t("notes.reopen") : t("notes.resolve")}
          keys="R"
          pressed={root.resolved}
          disabled={!mayResolve}
          onClick={() => resolve(room, [thread], !root.resolved)}
        />
      </div>
      <Line room={room} annotation={root} known={known} forget={unread ? undefined : () => reading.forget(thread)} />
      <Tags tags={root.tags} pick={pick} />
      {replies.length > 0 && (
        <div class="note-replies">
          {replies.map((reply) => (
            <Line key={reply.id} room={room} annotation={reply} known={known} />
          ))}
        </div>
      )}
      {replying.value === root.id ? (
        <Reply room={room} thread={thread} known={known} done={answered} />
      ) : (
        writable.value && (
          <Button small look="quiet" icon="reply" label={t("notes.reply")} keys="E" onClick={() => (replying.value = root.id)}>
            {t("notes.reply")}
          </Button>
        )
      )}
    </li>
  );
}
