/** What can be set of what is selected, on a bar over the picture: on which frames it is seen, how its letters stand. */
import type { JSX } from "preact";
import { keysOf } from "../app/keys";
import { AnnotationKind, TextAlign, type Annotation } from "../document";
import { count, t } from "../messages";
import { frameMeant } from "../player/timecode";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { copyToNext, deleteSelected, duplicate, reframe, restyle } from "./selection";
import { align, ALIGNS, FONT_SIZES, fontSize } from "./tools";

function FrameField({ room, label, frame, set }: { room: Room; label: string; frame: number | undefined; set: (frame: number) => void }): JSX.Element {
  const shown = frame === undefined ? "" : room.names(frame).number;
  return (
    <input
      key={shown}
      class="input mono"
      aria-label={label}
      data-tip={label}
      defaultValue={shown}
      placeholder="…"
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key !== "Escape") return;
        event.stopPropagation();
        event.currentTarget.value = shown;
        event.currentTarget.blur();
      }}
      onBlur={(event) => {
        const { value } = event.currentTarget;
        const meant = value === shown ? undefined : frameMeant(value, room.labels, room.player.here);
        if (meant === undefined) event.currentTarget.value = shown;
        else set(room.player.clock.clamp(meant));
      }}
    />
  );
}

/** What all have in common; undefined: they differ. */
function common<T>(annotations: readonly Annotation[], read: (annotation: Annotation) => T): T | undefined {
  const [first, ...rest] = annotations.map(read);
  return rest.every((each) => each === first) ? first : undefined;
}

function Frames({ room, chosen }: { room: Room; chosen: readonly Annotation[] }): JSX.Element | null {
  const { inPoint, outPoint, clock } = room.player;
  if (clock.count <= 1) return null;
  const first = common(chosen, (each) => each.firstFrame);
  const last = common(chosen, (each) => each.lastFrame);
  const here = room.player.frame.value;
  const [from, to] = [inPoint.value, outPoint.value];
  return (
    <>
      <FrameField room={room} label={t("select.first")} frame={first} set={(frame) => reframe(room, frame, Math.max(frame, last ?? here))} />
      <span class="faint">–</span>
      <FrameField room={room} label={t("select.last")} frame={last} set={(frame) => reframe(room, Math.min(frame, first ?? here), frame)} />
      {from !== undefined && to !== undefined && (
        <Button small look="quiet" icon="range" label={t("select.inOut")} onClick={() => reframe(room, from, to)} />
      )}
    </>
  );
}

const ALIGN_NAMES = { [TextAlign.CENTER]: "center", [TextAlign.END]: "end" } as const;

/** Size and alignment of letters: of what is selected, and of what is typed next. */
export function Letters({ room, chosen }: { room: Room; chosen: readonly Annotation[] }): JSX.Element {
  const size = (chosen.length > 0 ? common(chosen, (each) => each.style?.fontSize) : fontSize.value) ?? 0;
  const side = chosen.length > 0 ? common(chosen, (each) => each.style?.align || TextAlign.START) : align.value;
  return (
    <>
      <select
        class="input"
        aria-label={t("tool.fontSize")}
        value={String(nearestSize(size))}
        onChange={(event) => {
          fontSize.value = Number(event.currentTarget.value);
          restyle(room, "font_size", fontSize.value, chosen);
        }}
      >
        {FONT_SIZES.map((each, at) => (
          <option key={each} value={String(each)}>
            {t("tool.fontSizeOf", { n: at + 1 })}
          </option>
        ))}
      </select>
      {ALIGNS.map((each) => {
        const name = (ALIGN_NAMES as Partial<Record<TextAlign, "center" | "end">>)[each] ?? "start";
        return (
          <Button
            key={each}
            small
            look="quiet"
            icon={name === "start" ? "alignStart" : name === "center" ? "alignCenter" : "alignEnd"}
            label={t(`tool.align.${name}`)}
            pressed={side === each}
            onClick={() => {
              align.value = each;
              restyle(room, "align", each, chosen);
            }}
          />
        );
      })}
    </>
  );
}

function nearestSize(size: number): number {
  return FONT_SIZES.reduce<number>((best, each) => (Math.abs(each - size) < Math.abs(best - size) ? each : best), FONT_SIZES[0]);
}

/** The bar; nothing where nothing is selected. */
export function SelectionBar({ room }: { room: Room }): JSX.Element | null {
  // With each change of the document, since it shows what that says now.
  if (room.selected.value.size === 0 || room.session.version.value < 0 || room.entry.value) return null;
  const chosen = room.chosen;
  if (chosen.length === 0) return null;
  const texts = chosen.filter(({ kind }) => kind === AnnotationKind.TEXT);
  return (
    <div class="selection-bar floating" role="toolbar" aria-label={t("select.bar")} onPointerDown={(event) => event.stopPropagation()}>
      {chosen.length > 1 && <span class="faint">{count("select.count", chosen.length)}</span>}
      <Frames room={room} chosen={chosen} />
      {texts.length > 0 && <Letters room={room} chosen={texts} />}
      <Button small look="quiet" icon="plus" label={t("select.duplicate")} keys={keysOf("edit.duplicate")} onClick={() => duplicate(room)} />
      {room.player.clock.count > 1 && (
        <Button small look="quiet" icon="copy" label={t("select.toNext")} keys={keysOf("edit.copyToNext")} onClick={() => copyToNext(room)} />
      )}
      <Button small look="quiet" icon="trash" label={t("tool.delete")} keys={keysOf("edit.delete")} onClick={() => deleteSelected(room)} />
    </div>
  );
}
