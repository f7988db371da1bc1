/** One comment or reply: who, when, what, and whether it is saved. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { keysOf } from "../app/keys";
import { person } from "../app/people";
import { reviewPath } from "../app/router";
import { lookAt } from "../canvas/seen";
import { Audience, type Annotation, type FrameRange, type Origin } from "../document";
import { Permission } from "../gen/rushes/type/v1/access_pb";
import { may } from "../library/store";
import { t } from "../messages";
import { lookText } from "../review/address";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { Icon, type IconName } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { Avatar } from "../ui/person";
import { say } from "../ui/toast";
import { ago, exactly } from "../ui/when";
import { attachPictures, Attachments, LinkForm, PictureForm } from "./attach";
import { changeTags } from "./fields";
import { personTag } from "./label";
import { useLiveText } from "./live_field";
import { membersOf } from "./members";
import { mentioned, tagsIn } from "./mention";
import { putOn, rangeOf, withEnd } from "./range";
import { isSend, sendKeys } from "./send";
import { Suggest } from "./suggest";
import { NoteText } from "./text";

/** Who wrote it; what is not saved yet is one's own. */
export function authorOf(room: Room, annotation: Annotation): string {
  return annotation.authorId || room.personId;
}

/** The tags that a text brings with it: those behind a #, and who is mentioned. */
export function tagsOfText(room: Room, text: string): string[] {
  const people = text.includes("@") ? mentioned(text, membersOf(room.asset.projectId).peek()) : [];
  return [...tagsIn(text), ...people.map(({ personId }) => personTag(personId))];
}

interface EditorProps {
  room: Room;
  annotation: Annotation;
  known: readonly string[];
  done: () => void;
}

function Editor({ room, annotation, known, done }: EditorProps): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  const live = useLiveText(room.session, annotation.id, field);
  useLayoutEffect(() => field.current?.focus(), []);
  const end = (): void => {
    const now = room.get(annotation.id) ?? annotation;
    changeTags(room, now, tagsOfText(room, now.text).map((tag) => ({ tag, on: true })));
    done();
  };
  return (
    <div class="note-edit">
      <Suggest room={room} field={field} tags={known} />
      <textarea
        {...live}
        ref={field}
        class="input"
        aria-label={t("notes.edit")}
        onKeyDown={(event) => {
          if (event.isComposing || (event.key !== "Escape" && !isSend(event))) return;
          event.preventDefault();
          event.stopPropagation();
          end();
        }}
      />
      <Button small label={t("notes.done")} keys={sendKeys()} onClick={end}>
        {t("notes.done")}
      </Button>
    </div>
  );
}

/** Copies the address of a note. */
export async function copyLink(room: Room, annotation: Annotation): Promise<void> {
  const seen = annotation.view ?? room.get(annotation.parentId)?.view;
  const sight = seen ? { look: lookText(lookAt(seen)) } : {};
  const path = reviewPath(String(room.asset.assetId), room.cut.number, annotation.firstFrame, annotation.parentId || annotation.id, sight);
  const address = location.origin + path;
  try {
    await navigator.clipboard.writeText(address);
    say({ title: t("notes.copied"), look: "good" });
  } catch {
    // Without leave for the clipboard the link is said, to be copied by hand.
    say({ title: t("notes.copyByHand"), detail: address, action: { label: t("ui.close"), run: () => undefined } });
  }
}

interface MenuProps {
  room: Room;
  annotation: Annotation;
  edit: () => void;
  forget: (() => void) | undefined;
}

/** What puts a note on other frames. */
function Frames({ room, note, close }: { room: Room; note: Annotation; close: () => void }): JSX.Element {
  const { inPoint, outPoint, here } = room.player;
  const [from, to] = [inPoint.value, outPoint.value];
  const range = rangeOf(note);
  const item = (icon: IconName, label: string, frames: FrameRange, keys?: string): JSX.Element => (
    <Item
      icon={icon}
      keys={keys}
      onClick={() => {
        close();
        putOn(room, note, frames);
      }}
    >
      {label}
    </Item>
  );
  return (
    <>
      {item("inPoint", t("notes.range.firstHere"), withEnd(range, "first", here), keysOf("note.first"))}
      {item("outPoint", t("notes.range.lastHere"), withEnd(range, "last", here), keysOf("note.last"))}
      {from !== undefined && to !== undefined && item("range", t("select.inOut"), { first: from, last: to })}
      {range.last > range.first && item("close", t("notes.range.single"), { first: range.first, last: range.first })}
    </>
  );
}

function NoteMenu({ room, annotation, edit, forget }: MenuProps): JSX.Element {
  const asking = useSignal<"" | "link" | "picture">("");
  const { session } = room;
  const mine = room.mayChange(annotation);
  // A picture goes to the library, where not everybody may put something.
  const pictures = mine && may(room.asset.permissions, Permission.UPLOAD);
  const publishable = mine && !annotation.parentId && annotation.audience === Audience.INTERNAL;
  return (
    <Menu icon="more" small label={t("notes.menu")}>
      {(close) => {
        const shut = (): void => {
          asking.value = "";
          close();
        };
        if (asking.value === "link") return <LinkForm room={room} annotation={annotation} close={shut} />;
        if (asking.value === "picture") return <PictureForm room={room} annotation={annotation} close={shut} />;
        const item = (icon: IconName, label: string, run: () => void): JSX.Element => (
          <Item
            icon={icon}
            onClick={() => {
              shut();
              run();
            }}
          >
            {label}
          </Item>
        );
        const publish = (): void => {
          const value = { kind: "audience", audience: Audience.CLIENT } as const;
          session.submit([{ kind: "setFields", id: annotation.id, fields: [{ field: "audience", value }] }]);
        };
        return (
          <>
            {mine && item("pen", t("notes.edit"), edit)}
            {item("share", t("notes.copyLink"), () => void copyLink(room, annotation))}
            {mine && (
              <Item icon="share" onClick={() => (asking.value = "link")}>
                {t("notes.attachLink")}
              </Item>
            )}
            {pictures && annotation.audience === Audience.CLIENT && item("upload", t("notes.attachPicture"), () => attachPictures(room, annotation))}
            {pictures && annotation.audience !== Audience.CLIENT && (
              <Item icon="upload" onClick={() => (asking.value = "picture")}>
                {t("notes.attachPicture")}
              </Item>
            )}
            {mine && !annotation.parentId && room.player.clock.count > 1 && <Frames room={room} note={annotation} close={shut} />}
            {forget && item("eye", t("notes.markUnread"), forget)}
            {publishable && item("eye", t("notes.publish"), publish)}
            {mine && item("trash", t("notes.delete"), () => session.submit([{ kind: "setDeleted", id: annotation.id, deleted: true }]))}
          </>
        );
      }}
    </Menu>
  );
}

/** Whether one's own words are safe: saved, on their way, or kept here until they can be. */
function Safe({ room, annotation }: { room: Room; annotation: Annotation }): JSX.Element | null {
  const pending = room.session.client.screen.isPending(annotation.id);
  const { kind } = room.session.status.value;
  if (!pending) {
    if (authorOf(room, annotation) !== room.personId) return null;
    return (
      <span class="note-safe faint" data-safe="saved" title={t("notes.saved")}>
        <Icon name="check" size={12} />
      </span>
    );
  }
  if (kind === "saving" || kind === "saved" || kind === "resumed") return <span class="note-pending" data-safe="saving" title={t("notes.saving")} />;
  const lost = kind === "notSaved" || kind === "forbidden" || kind === "gone";
  return (
    <span class={`note-safe ${lost ? "bad" : "faint"}`} data-safe="kept" title={t(lost ? "notes.pending" : "notes.keptDetail")}>
      <Icon name="offline" size={12} />
      {t(lost ? "notes.notSaved" : "notes.kept")}
    </span>
  );
}

interface LineProps {
  room: Room;
  annotation: Annotation;
  known: readonly string[];
  /** Makes it unread again; undefined: it cannot be. */
  forget?: (() => void) | undefined;
}

/** Of a carried note: whose it was, and on which cut. Its author here is who carried it. */
function Carried({ room, origin }: { room: Room; origin: Origin }): JSX.Element {
  const cut = room.asset.cuts.find(({ videoId }) => Number(videoId) === origin.videoId);
  const name = person(origin.authorId).name;
  return <p class="note-carried faint">{cut && name ? t("notes.carriedFrom", { number: cut.number, name }) : t("notes.carried")}</p>;
}

/** The line. */
export function Line({ room, annotation, known, forget }: LineProps): JSX.Element {
  const editing = useSignal(false);
  const { name, color } = person(authorOf(room, annotation));
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
        <Safe room={room} annotation={annotation} />
        <NoteMenu room={room} annotation={annotation} edit={() => (editing.value = true)} forget={forget} />
      </header>
      {annotation.origin && <Carried room={room} origin={annotation.origin} />}
      {editing.value ? (
        <Editor room={room} annotation={annotation} known={known} done={() => (editing.value = false)} />
      ) : (
        <NoteText text={annotation.text} tags={annotation.tags} />
      )}
      <Attachments room={room} annotation={annotation} />
    </div>
  );
}
