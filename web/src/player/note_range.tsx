/** The frames of the present note on the timeline, as a bar whose ends are dragged, or moved with arrows. */
import { useSignal } from "@preact/signals";
import type { JSX, TargetedKeyboardEvent, TargetedPointerEvent } from "preact";
import type { FrameRange } from "../document";
import { t } from "../messages";
import { presentNote, putOn, rangeOf, withEnd, type End } from "../notes/range";
import type { Room } from "../review/room";
import type { Scale } from "./timeline_scale";

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
/** As far as arrows go with Shift. */
const LONG_STEP = 5;

/** The bar; nothing where no note is the present one. */
export function NoteRange({ room, scale }: { room: Room; scale: Scale }): JSX.Element | null {
  // While an end is moved: the frames as they would be. They are set once it is let go.
  const moved = useSignal<FrameRange | undefined>(undefined);
  const note = room.session.version.value < 0 ? undefined : presentNote(room);
  if (!note) return null;
  const { first, last } = moved.value ?? rangeOf(note);
  const left = Math.max(0, scale.left(first));
  const right = Math.min(scale.width, scale.left(last + 1));
  const mayChange = room.mayChange(note);
  const to = (range: FrameRange, end: End): void => {
    moved.value = range;
    room.release();
    room.player.seek(range[end]);
  };
  const letGo = (): void => {
    if (moved.value) putOn(room, note, moved.value);
    moved.value = undefined;
  };
  const drag = (event: TargetedPointerEvent<HTMLElement>, end: End): void => {
    if (event.button !== 0) return;
    const handle = event.currentTarget;
    const box = handle.closest(".timeline-box")?.getBoundingClientRect();
    const held = rangeOf(note);
    handle.setPointerCapture(event.pointerId);
    const move = (moving: PointerEvent): void => to(withEnd(held, end, scale.frame(moving.clientX - (box?.left ?? 0))), end);
    const stop = (): void => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("lostpointercapture", stop);
      letGo();
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", stop);
  };
  const press = (event: TargetedKeyboardEvent<HTMLElement>, end: End): void => {
    const step = (STEPS[event.key] ?? 0) * (event.shiftKey ? LONG_STEP : 1);
    if (event.key === "Escape" && moved.value) moved.value = undefined;
    else if (step !== 0) to(withEnd({ first, last }, end, room.player.clock.clamp((end === "first" ? first : last) + step)), end);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const handle = (end: End, frame: number, x: number): JSX.Element | false =>
    mayChange &&
    scale.shows(frame) && (
      <i
        class={`note-end ${end}`}
        style={{ "--at": `${x}px` }}
        role="slider"
        tabIndex={0}
        aria-label={t(`notes.range.${end}`)}
        aria-valuemin={0}
        aria-valuemax={room.player.clock.last}
        aria-valuenow={frame}
        aria-valuetext={`${room.names(frame).timecode}, ${room.names(frame).number}`}
        data-tip={t(`notes.range.${end}`)}
        onPointerDown={(event) => drag(event, end)}
        onKeyDown={(event) => press(event, end)}
        onKeyUp={letGo}
        onBlur={letGo}
      />
    );
  return (
    <div class="note-range" data-testid="note-range" data-first={first} data-last={last}>
      {right > 0 && left < scale.width && <i class="note-bar" style={{ left: `${left}px`, width: `${Math.max(2, right - left)}px` }} />}
      {handle("first", first, left)}
      {handle("last", last, right)}
    </div>
  );
}
