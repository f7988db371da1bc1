/** Where text is typed on the picture: a field that looks as the text will. */
import type { CSSProperties, JSX, TargetedKeyboardEvent } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { TextAlign } from "../document";
import { t } from "../messages";
import { useLiveText } from "../notes/live_field";
import type { Room, TextEntry } from "../review/room";
import { makeId } from "../session/session";
import { css } from "../ui/color";
import { textOf } from "./make";
import { fitted, heightOf } from "./fit";
import { fontOf } from "./paint";
import { submitSome } from "./selection";
import { brush, drawingFrames, tool } from "./tools";
import type { View } from "./view";

/** How wide new text is, in units: four tenths of the picture's height. */
export const TEXT_WIDTH = 13_000;

interface TextboxProps {
  room: Room;
  entry: TextEntry;
  view: View;
}

const CSS_ALIGN = { [TextAlign.CENTER]: "center", [TextAlign.END]: "end" } as const;

function styleAt({ entry, view }: TextboxProps, fontSize: number, color: number, align: TextAlign): CSSProperties {
  const place = view.toPixels(entry.at.x, entry.at.y);
  return {
    left: `${place.x}px`,
    top: `${place.y}px`,
    width: `${entry.size.x * view.scale}px`,
    font: fontOf(fontSize * view.scale),
    lineHeight: "1.25",
    textAlign: (CSS_ALIGN as Partial<Record<TextAlign, "center" | "end">>)[align] ?? "start",
    color: css(color),
  };
}

function grow(element: HTMLTextAreaElement | null): void {
  if (!element) return;
  element.style.height = "0";
  element.style.height = `${element.scrollHeight}px`;
}

function NewText(props: TextboxProps): JSX.Element {
  const { room, entry } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  const made = useRef({ id: makeId(), done: false, brush: brush(), frames: drawingFrames(room.player) });
  const [first, last] = made.current.frames;
  const setting = { first, last, audience: room.audience.value, view: room.seen };
  const annotation = (text: string, id: string): ReturnType<typeof textOf> => {
    const height = heightOf(text, entry.size.x, made.current.brush.fontSize);
    return textOf(id, entry.at, { x: entry.size.x, y: height }, text, made.current.brush, setting);
  };
  const finish = (): void => {
    const text = field.current?.value.trimEnd() ?? "";
    if (made.current.done) return;
    made.current.done = true;
    room.draft.value = undefined;
    if (room.entry.value === entry) room.entry.value = undefined;
    if (text.trim() === "") return;
    const created = annotation(text, makeId());
    room.made([{ kind: "create", annotation: created }], created);
    tool.value = "select";
    room.selected.value = new Set([created.id]);
  };
  // Before anything is typed: what comes next is meant for the field, not for shortcuts.
  useLayoutEffect(() => {
    field.current?.focus();
    return finish;
  }, []);
  return (
    <textarea
      ref={field}
      class="textbox"
      style={styleAt(props, made.current.brush.fontSize, made.current.brush.color, made.current.brush.align)}
      aria-label={t("tool.textField")}
      maxLength={1300}
      onInput={(event) => {
        grow(event.currentTarget);
        const { value } = event.currentTarget;
        room.draft.value = value.trim() === "" ? undefined : annotation(value, made.current.id);
      }}
      onBlur={finish}
      onKeyDown={(event) => endKey(event, finish)}
    />
  );
}

function OldText(props: TextboxProps & { id: string }): JSX.Element {
  const { room, id } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  const live = useLiveText(room.session, id, field);
  const annotation = room.get(id);
  const finish = (): void => {
    if (room.entry.value === props.entry) room.entry.value = undefined;
    const now = room.get(id);
    if (!now || now.deleted) return;
    if (now.text.trim() === "") room.session.submit([{ kind: "setDeleted", id, deleted: true }]);
    else submitSome(room, fitted(now));
  };
  useLayoutEffect(() => field.current?.focus(), []);
  useLayoutEffect(() => grow(field.current));
  return (
    <textarea
      {...live}
      ref={field}
      class="textbox"
      style={styleAt(props, annotation?.style?.fontSize ?? 900, annotation?.style?.color ?? 0xffffff, annotation?.style?.align ?? TextAlign.START)}
      aria-label={t("tool.textField")}
      onBlur={finish}
      onKeyDown={(event) => endKey(event, finish)}
    />
  );
}

function endKey(event: TargetedKeyboardEvent<HTMLTextAreaElement>, finish: () => void): void {
  if (event.isComposing) return;
  if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) {
    event.preventDefault();
    event.stopPropagation();
    finish();
  }
}

/** The field. */
export function Textbox(props: TextboxProps): JSX.Element {
  const { id } = props.entry;
  return id === undefined ? <NewText {...props} /> : <OldText {...props} id={id} />;
}
