/** The line under the picture: stills, sound, notes, in and out, one's own playhead and those of others. */
import { effect, useSignal } from "@preact/signals";
import type { CSSProperties, JSX, TargetedPointerEvent } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { person } from "../app/people";
import { t } from "../messages";
import type { Board } from "../notes/board";
import type { FilmstripSource, Room } from "../review/room";
import { css } from "../ui/color";
import { NoteRange } from "./note_range";
import { TimelineBar } from "./timeline_bar";
import { paintBuffered, paintMarks, paintRuler, paintStills, paintWave, prepared } from "./timeline_paint";
import { sourceOf, tileOf, type Scale, type Strip } from "./timeline_scale";

const STRIP_PX = 44;
const RULER_PX = 13;
const MARKS_PX = 12;
const HERE_PX = 2;
/** How much nearer a notch of the wheel, or a press of a key, is. */
export const ZOOM_STEP = 1.25;

function stripOf(source: FilmstripSource): Strip {
  const rows = Math.ceil(source.tiles / Math.max(1, source.columns));
  const { columns, tiles, framesPerTile } = source;
  return { columns, tiles, framesPerTile, tileWidth: source.width / Math.max(1, columns), tileHeight: source.height / Math.max(1, rows) };
}

/** A canvas that is painted, once in a turn of the screen, when one of these changed. */
function Painted({ name, scale, height, paint, after }: { name: string; scale: Scale; height: number; paint: (context: CanvasRenderingContext2D) => void; after: readonly unknown[] }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const turn = requestAnimationFrame(() => {
      const context = canvas.current && scale.width > 0 ? prepared(canvas.current, scale.width, height) : undefined;
      if (context) paint(context);
    });
    return () => cancelAnimationFrame(turn);
  }, [scale, ...after]);
  return <canvas ref={canvas} class={name} aria-hidden="true" />;
}

function useImage(path: string | undefined): HTMLImageElement | undefined {
  const image = useSignal<HTMLImageElement | undefined>(undefined);
  useEffect(() => {
    if (!path) return;
    const loading = new Image();
    loading.src = path;
    loading.onload = () => (image.value = loading);
    return () => (loading.onload = null);
  }, [path]);
  return image.value;
}

function Stills({ room, scale, image }: { room: Room; scale: Scale; image: HTMLImageElement | undefined }): JSX.Element {
  const { filmstrip, waveform, player } = room;
  const buffered = player.buffered.value;
  const paint = (context: CanvasRenderingContext2D): void => {
    if (image && filmstrip) paintStills(context, image, stripOf(filmstrip), scale, STRIP_PX);
    if (waveform) {
      const top = image ? STRIP_PX / 2 : 0;
      context.fillStyle = "rgb(12 12 12 / 60%)";
      context.fillRect(0, top, scale.width, STRIP_PX - top);
      paintWave(context, waveform, player.clock, scale, top, STRIP_PX - top);
    }
    paintBuffered(context, buffered, scale, STRIP_PX, HERE_PX);
  };
  return <Painted name="stills" scale={scale} height={STRIP_PX + HERE_PX} paint={paint} after={[image, room, waveform?.version.value, buffered]} />;
}

function Marks({ room, board, scale }: { room: Room; board: Board; scale: Scale }): JSX.Element {
  const paint = (context: CanvasRenderingContext2D): void => {
    paintRuler(context, scale, room.player.clock.rate, RULER_PX, (frame) => room.names(frame).timecode);
    paintMarks(context, board.marks, scale, RULER_PX);
  };
  return <Painted name="marks" scale={scale} height={RULER_PX + MARKS_PX} paint={paint} after={[board, room]} />;
}

function Playheads({ room, scale }: { room: Room; scale: Scale }): JSX.Element {
  return (
    <>
      {room.session.others.value.filter((other) => scale.shows(other.frame)).map((other) => {
        const { color, name } = person(other.personId);
        return (
          <i
            key={other.clientId}
            class="playhead other"
            style={{ transform: `translateX(${scale.middle(other.frame)}px)`, background: css(color), color: css(color) }}
            title={other.name || name}
            data-person={other.personId}
          />
        );
      })}
    </>
  );
}

function Range({ room, scale }: { room: Room; scale: Scale }): JSX.Element | null {
  const [from, to] = [room.player.inPoint.value, room.player.outPoint.value];
  if (from === undefined && to === undefined) return null;
  const within = (x: number): number => Math.max(0, Math.min(scale.width, x));
  const left = from === undefined ? 0 : within(scale.left(from));
  const right = to === undefined ? scale.width : within(scale.left(to + 1));
  const edge = (event: TargetedPointerEvent<HTMLElement>, set: (frame: number) => void): void => {
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    const box = event.currentTarget.closest(".timeline")?.getBoundingClientRect();
    const handle = event.currentTarget;
    const move = (moving: PointerEvent): void => set(scale.frame(moving.clientX - (box?.left ?? 0)));
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", move), { once: true });
  };
  return (
    <>
      <i class="outside" style={{ left: 0, width: `${left}px` }} />
      <i class="outside" style={{ left: `${right}px`, right: 0 }} />
      {from !== undefined && scale.shows(from) && (
        <i class="edge in" style={{ left: `${left}px` }} data-tip={t("player.in")} onPointerDown={(event) => edge(event, (frame) => room.player.setIn(frame))} />
      )}
      {to !== undefined && scale.shows(to) && (
        <i class="edge out" style={{ left: `${right}px` }} data-tip={t("player.out")} onPointerDown={(event) => edge(event, (frame) => room.player.setOut(frame))} />
      )}
    </>
  );
}

function Preview({ room, scale, image, frame }: { room: Room; scale: Scale; image: HTMLImageElement | undefined; frame: number }): JSX.Element {
  const { filmstrip } = room;
  const names = room.names(frame);
  const style: CSSProperties = {};
  if (filmstrip && image) {
    const strip = stripOf(filmstrip);
    const { x, y } = sourceOf(strip, tileOf(strip, frame));
    const zoom = 140 / strip.tileWidth;
    style.width = "140px";
    style.height = `${strip.tileHeight * zoom}px`;
    style.backgroundImage = `url("${filmstrip.path}")`;
    style.backgroundSize = `${filmstrip.width * zoom}px ${filmstrip.height * zoom}px`;
    style.backgroundPosition = `-${x * zoom}px -${y * zoom}px`;
  }
  const left = Math.max(72, Math.min(scale.width - 72, scale.middle(frame)));
  return (
    <div class="preview floating" style={{ left: `${left}px` }} aria-hidden="true">
      <div style={style} />
      <span class="mono">
        {names.timecode} <span class="faint">{names.number}</span>
      </span>
    </div>
  );
}

/** Measures the line, and keeps the frame on screen in sight, unless one looks elsewhere. Gives how one looks elsewhere. */
function useScale(room: Room, line: { current: HTMLElement | null }, head: { current: HTMLElement | null }): (scale: Scale) => void {
  const { player, scale } = room;
  const elsewhere = useRef(false);
  useLayoutEffect(() => {
    const element = line.current;
    if (!element) return;
    const measure = (): void => void (scale.value = scale.peek().onWidth(element.clientWidth));
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, [room]);
  useEffect(() => {
    const stops = [
      effect(() => {
        const frame = player.frame.value;
        const now = scale.peek();
        if (now.shows(frame)) elsewhere.current = false;
        else if (!elsewhere.current || !player.playing.peek()) scale.value = now.revealing(frame);
      }),
      effect(() => {
        // Each frame moves the head alone: nothing else is rendered for it.
        const frame = player.frame.value;
        const element = head.current;
        if (element) {
          element.style.transform = `translateX(${scale.value.middle(frame)}px)`;
          element.hidden = !scale.value.shows(frame);
        }
        const names = room.names(frame);
        line.current?.setAttribute("aria-valuenow", String(frame));
        line.current?.setAttribute("aria-valuetext", `${names.timecode}, ${names.number}`);
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }, [room]);
  return (next) => {
    scale.value = next;
    elsewhere.current = !next.shows(player.frame.peek());
  };
}

/** The wheel: with Ctrl (or two fingers on a touchpad) nearer and farther, else along. */
function useWheel(room: Room, line: { current: HTMLElement | null }, look: (scale: Scale) => void): void {
  const held = useRef(look);
  held.current = look;
  useEffect(() => {
    const element = line.current;
    const turn = (event: WheelEvent): void => {
      const scale = room.scale.peek();
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      if (!event.ctrlKey && scale.whole) return;
      event.preventDefault();
      if (event.ctrlKey) {
        const x = event.clientX - (element?.getBoundingClientRect().left ?? 0);
        held.current(scale.zoomed(ZOOM_STEP ** (-(event.deltaY * pixels) / 50), x));
      } else {
        held.current(scale.panned((event.deltaX || event.deltaY) * pixels));
      }
    };
    element?.addEventListener("wheel", turn, { passive: false });
    return () => element?.removeEventListener("wheel", turn);
  }, [room]);
}

/** The line. */
export function Timeline({ room, board }: { room: Room; board: Board }): JSX.Element {
  const line = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLElement>(null);
  const hover = useSignal<number | undefined>(undefined);
  const image = useImage(room.filmstrip?.path);
  const { player } = room;
  const look = useScale(room, line, head);
  useWheel(room, line, look);
  const scale = room.scale.value;
  const placeAt = (event: TargetedPointerEvent<HTMLElement>): number => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    return scale.place(Math.max(0, Math.min(scale.width - 1, x)));
  };
  return (
    <>
      <div class="timeline-box">
        <div
          ref={line}
          class="timeline"
          role="slider"
          tabIndex={0}
          aria-label={t("player.timeline")}
          aria-valuemin={0}
          aria-valuemax={player.clock.last}
          data-testid="timeline"
          data-first={Math.round(scale.first)}
          data-visible={Math.round(scale.visible)}
          onPointerDown={(event) => {
            if (event.button !== 0) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            room.release();
            player.scrub(placeAt(event));
          }}
          onPointerMove={(event) => {
            const place = placeAt(event);
            hover.value = Math.floor(place);
            if (event.currentTarget.hasPointerCapture(event.pointerId)) player.scrub(place);
          }}
          onPointerLeave={() => (hover.value = undefined)}
        >
          <Stills room={room} scale={scale} image={image} />
          <Marks room={room} board={board} scale={scale} />
          <Range room={room} scale={scale} />
          <Playheads room={room} scale={scale} />
          <i ref={head} class="playhead" />
          {hover.value !== undefined && <Preview room={room} scale={scale} image={image} frame={hover.value} />}
        </div>
        <NoteRange room={room} scale={scale} />
      </div>
      <TimelineBar scale={room.scale} look={look} />
    </>
  );
}
