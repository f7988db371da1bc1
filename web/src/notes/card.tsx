/** A note with its thread. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { person } from "../app/people";
import { reviewPath } from "../app/router";
import { audienceFace } from "../canvas/toolbar";
import { AnnotationKind, Audience, newAnnotation, Permission, type Annotation } from "../document";
import { t } from "../messages";
import type { Room } from "../review/room";
import { makeId } from "../session/session";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { Avatar } from "../ui/person";
import { say } from "../ui/toast";
import { ago, exactly } from "../ui/when";
import type { Thread } from "./board";
import { isSend, sendKeys } from "./composer";
import { useLiveText } from "./live_field";

function authorOf(room: Room, annotation: Annotation): string {
  return annotation.authorId || room.personId;
}

function Editor({ room, annotation, done }: { room: Room; annotation: Annotation; done: () => void }): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  const live = useLiveText(room.session, annotation.id, field);
  useLayoutEffect(() => field.current?.focus(), []);
  return (
    <div class="note-edit">
      <textarea
        {...live}
        ref={field}
        class="input"
        aria-label={t("notes.edit")}
        onKeyDown={(event) => {
          if (event.isComposing || (event.key !== "Escape" && !isSend(event))) return;
          event.preventDefault();
          event.stopPropagation();
          done();
        }}
      />
      <Button small label={t("notes.done")} keys={sendKeys()} onClick={done}>
        {t("notes.done")}
      </Button>
    </div>
  );
}

async function copyLink(room: Room, annotation: Annotation): Promise<void> {
  const path = reviewPath(String(room.asset.assetId), room.cut.number, annotation.firstFrame, annotation.parentId || annotation.id);
  const address = location.origin + path;
  try {
    await navigator.clipboard.writeText(address);
    say({ title: t("notes.copied"), look: "good" });
  } catch {
    // Without leave for the clipboard the link is said, to be copied by hand.
    say({ title: t("notes.copyByHand"), detail: address, action: { label: t("ui.close"), run: () => undefined } });
  }
}

function NoteMenu({ room, annotation, edit }: { room: Room; annotation: Annotation; edit: () => void }): JSX.Element {
  const { session } = room;
  const mine = room.mayChange(annotation);
  const publishable = mine && !annotation.parentId && annotation.audience === Audience.INTERNAL;
  return (
    <Menu icon="more" small label={t("notes.menu")}>
      {(close) => (
        <>
          {mine && (
            <Item
              icon="pen"
              onClick={() => {
                close();
                edit();
              }}
            >
              {t("notes.edit")}
            </Item>
          )}
          <Item
            icon="share"
            onClick={() => {
              close();
              void copyLink(room, annotation);
            }}
          >
            {t("notes.copyLink")}
          </Item>
          {publishable && (
            <Item
              icon="eye"
              onClick={() => {
                close();
                const value = { kind: "audience", audience: Audience.CLIENT } as const;
                session.submit([{ kind: "setFields", id: annotation.id, fields: [{ field: "audience", value }] }]);
              }}
            >
              {t("notes.publish")}
            </Item>
          )}
          {mine && (
            <Item
              icon="trash"
              onClick={() => {
                close();
                session.submit([{ kind: "setDeleted", id: annotation.id, deleted: true }]);
              }}
            >
              {t("notes.delete")}
            </Item>
          )}
        </>
      )}
    </Menu>
  );
}

function Line({ room, annotation }: { room: Room; annotation: Annotation }): JSX.Element {
  const editing = useSignal(false);
  const author = authorOf(room, annotation);
  const { name, color } = person(author);
  const pending = room.session.client.screen.isPending(annotation.id);
  const when = annotation.createdMs || Date.now();
  return (
    <div class="note-line">
      <header class="row">
        <Avatar name={name} color={color} small />
        <span class="grow clip">
          {name || t("people.unknown")}{" "}
          <time class="faint" dateTime={new Date(when).toISOString()} title={exactly(when)}>
            {ago(when, Date.now())}
          </time>
        </span>
        {pending && <span class="note-pending" title={t("notes.pending")} />}
        <NoteMenu room={room} annotation={annotation} edit={() => (editing.value = true)} />
      </header>
      {editing.value ? (
        <Editor room={room} annotation={annotation} done={() => (editing.value = false)} />
      ) : (
        <p class="note-text" dir="auto">
          {annotation.text}
        </p>
      )}
    </div>
  );
}

function Reply({ room, thread, done }: { room: Room; thread: Thread; done: () => void }): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  const send = (): void => {
    const text = field.current?.value.trim() ?? "";
    if (!text) return done();
    const { root } = thread;
    const { firstFrame, lastFrame } = root;
    const reply = newAnnotation({ id: makeId(), kind: AnnotationKind.COMMENT, text, parentId: root.id, firstFrame, lastFrame });
    if (room.session.submit([{ kind: "create", annotation: reply }])) done();
  };
  return (
    <div class="note-edit">
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

/** The card. */
export function NoteCard({ room, thread, here }: { room: Room; thread: Thread; here: boolean }): JSX.Element {
  const { root, replies } = thread;
  const card = useRef<HTMLLIElement>(null);
  const replying = useSignal(false);
  const chosen = room.note.value === root.id;
  useLayoutEffect(() => {
    if (chosen) card.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const { writable, seesInternal } = room.session;
  const mayResolve = writable.value && (authorOf(room, root) === room.personId || room.has(Permission.EDIT_OTHERS));
  const resolve = (): void => {
    const value = { kind: "flag", flag: !root.resolved } as const;
    room.session.submit([{ kind: "setFields", id: root.id, fields: [{ field: "resolved", value }] }]);
  };
  const { number, timecode } = room.names(root.firstFrame);
  const face = audienceFace(root.audience);
  const frames = root.lastFrame > root.firstFrame ? `${number}–${room.names(root.lastFrame).number}` : number;
  return (
    <li ref={card} class="note" data-here={here} data-chosen={chosen} data-resolved={root.resolved} data-note={root.id}>
      <div class="row note-head">
        <button type="button" class="note-jump mono" data-tip={t("notes.jump")} onClick={() => room.goTo(root)}>
          {timecode} <span class="faint">{frames}</span>
        </button>
        <span class="grow" />
        {seesInternal.value && (
          <span class={`note-audience ${root.audience === Audience.CLIENT ? "client" : "internal"}`} title={face.label}>
            <Icon name={face.icon} size={13} />
            {face.label}
          </span>
        )}
        <Button
          small
          look="quiet"
          icon="check"
          label={root.resolved ? t("notes.reopen") : t("notes.resolve")}
          pressed={root.resolved}
          disabled={!mayResolve}
          onClick={resolve}
        />
      </div>
      <Line room={room} annotation={root} />
      {replies.length > 0 && (
        <div class="note-replies">
          {replies.map((reply) => (
            <Line key={reply.id} room={room} annotation={reply} />
          ))}
        </div>
      )}
      {replying.value ? (
        <Reply room={room} thread={thread} done={() => (replying.value = false)} />
      ) : (
        writable.value && (
          <Button small look="quiet" icon="reply" label={t("notes.reply")} onClick={() => (replying.value = true)}>
            {t("notes.reply")}
          </Button>
        )
      )}
    </li>
  );
}
