/** Where comments are written: on this frame, or on the frames between in and out. */
import { effect, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { keysOf } from "../app/keys";
import { AudienceMenu } from "../canvas/toolbar";
import { AnnotationKind, newAnnotation, text as core } from "../document";
import { t } from "../messages";
import type { Room } from "../review/room";
import { makeId } from "../session/session";
import { Button } from "../ui/button";
import { Menu } from "../ui/menu";
import { tidy } from "./fields";
import { LabelChoices, tagName } from "./labels";
import { tagsOfText } from "./line";
import { isSend, sendKeys } from "./send";
import { Suggest } from "./suggest";

const MOST_BYTES = 4096;

function grow(element: HTMLTextAreaElement): void {
  element.style.height = "auto";
  element.style.height = `${Math.min(220, element.scrollHeight + 2)}px`;
}

/** The field for a new comment. */
export function Composer({ room, known }: { room: Room; known: readonly string[] }): JSX.Element | null {
  const key = `rushes-draft:${room.video.videoId}`;
  const field = useRef<HTMLTextAreaElement>(null);
  const draft = useSignal(localStorage.getItem(key) ?? "");
  const wasPlaying = useRef(false);
  const onRange = useSignal(false);
  const labels = useSignal<readonly string[]>([]);
  const { player, session } = room;
  // At once, not with the next picture: what is typed next is meant for the field.
  useEffect(
    () =>
      effect(() => {
        if (room.askComment.value > room.askedComment) field.current?.focus();
        room.askedComment = room.askComment.value;
      }),
    [room],
  );
  useEffect(() => {
    if (field.current) grow(field.current);
  }, [draft.value]);
  if (!session.writable.value && session.permissions.value !== 0) return <p class="composer faint">{t("notes.readOnly")}</p>;
  const [from, to] = [player.inPoint.value, player.outPoint.value];
  const range = onRange.value && from !== undefined && to !== undefined;
  const tooLong = core.bytesOf(draft.value) > MOST_BYTES;
  const type = (value: string): void => {
    if (value && player.playing.peek()) {
      wasPlaying.current = true;
      player.pause();
    }
    draft.value = value;
    localStorage.setItem(key, value);
  };
  const send = (): void => {
    const text = draft.value.trim();
    if (!text || tooLong) return;
    const frame = player.frame.peek();
    const { seen } = room;
    const comment = newAnnotation({
      id: makeId(),
      kind: AnnotationKind.COMMENT,
      text,
      tags: tidy([...labels.value, ...tagsOfText(room, text)]),
      firstFrame: range ? from : frame,
      lastFrame: range ? to : frame,
      audience: room.audience.value,
      ...(seen ? { view: seen } : {}),
    });
    if (!session.submit([{ kind: "create", annotation: comment }])) return;
    room.note.value = comment.id;
    draft.value = "";
    labels.value = [];
    localStorage.removeItem(key);
    if (wasPlaying.current) player.play(player.speed.peek());
    wasPlaying.current = false;
  };
  const names = room.names(player.frame.value);
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Suggest room={room} field={field} tags={known} />
      <textarea
        ref={field}
        class="input"
        rows={2}
        placeholder={t("notes.placeholder")}
        aria-label={t("notes.new")}
        data-tip={t("notes.new")}
        data-keys={keysOf("note.new")}
        data-testid="composer"
        value={draft.value}
        onInput={(event) => type(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (isSend(event)) {
            event.preventDefault();
            send();
          } else if (event.key === "Escape" && !event.isComposing) {
            event.currentTarget.blur();
          }
        }}
      />
      {tooLong && <p class="error">{t("notes.tooLong")}</p>}
      <div class="row">
        {from !== undefined && to !== undefined ? (
          <Button small look="quiet" label={t("notes.onRange")} pressed={range} onClick={() => (onRange.value = !range)}>
            <span class="mono">{range ? `${room.names(from).number}–${room.names(to).number}` : names.number}</span>
          </Button>
        ) : (
          <span class="faint mono note-frame">{names.timecode}</span>
        )}
        <span class="grow" />
        <Menu icon="tag" small label={t("notes.labels")} face={labels.value.length > 0 ? <span class="clip">{labels.value.map(tagName).join(", ")}</span> : undefined}>
          {() => (
            <LabelChoices
              tags={labels.value}
              known={known}
              change={(changes) => {
                const next = new Set(labels.peek());
                for (const { tag, on } of changes) next[on ? "add" : "delete"](tag);
                labels.value = tidy(next);
              }}
            />
          )}
        </Menu>
        <AudienceMenu room={room} face />
        <Button type="submit" small look="primary" label={t("notes.send")} keys={sendKeys()} disabled={!draft.value.trim() || tooLong}>
          {t("notes.send")}
        </Button>
      </div>
    </form>
  );
}
