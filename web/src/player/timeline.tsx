/** The line under the picture: stills, notes, in and out, one's own playhead and those of others. */
import { effect, useSignal } from "@preact/signals";
import type { CSSProperties, JSX, TargetedPointerEvent } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { person } from "../app/people";
import { t } from "../messages";
import type { Board } from "../notes/board";
import type { FilmstripSource, Room } from "../review/room";
import { css } from "../ui/color";
import { Scale, slots, sourceOf, spots, tileOf, type Strip } from "./timeline_scale";

const STRIP_PX = 44;
const MARK_PX = 7;
const COLORS = { note: "#e0a24e", done: "#6f6f6f", drawing: "#8f9bb3" } as const;

function stripOf(source: FilmstripSource): Strip {
  const rows = Math.ceil(source.tiles / Math.max(1, source.columns));
  const { columns, tiles, framesPerTile } = source;
  return { columns, tiles, framesPerTile, tileWidth: source.width / Math.max(1, columns), tileHeight: source.height / Math.max(1, rows) };
}

function prepared(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | undefined {
  const density = Math.min(3, window.devicePixelRatio || 1);
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = canvas.getContext("2d") ?? undefined;
  context?.setTransform(density, 0, 0, density, 0, 0);
  return context;
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
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!canvas.current || scale.width <= 0) return;
    const context = prepared(canvas.current, scale.width, STRIP_PX);
    if (!context || !image || !room.filmstrip) return;
    const strip = stripOf(room.filmstrip);
    for (const { left, width, sourceX, sourceY } of slots(strip, scale, STRIP_PX)) {
      context.drawImage(image, sourceX, sourceY, strip.tileWidth, strip.tileHeight, left, 0, width, STRIP_PX);
    }
  }, [scale, image, room.filmstrip]);
  return <canvas ref={canvas} class="stills" aria-hidden="true" />;
}

function Marks({ board, scale }: { board: Board; scale: Scale }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!canvas.current || scale.width <= 0) return;
    const context = prepared(canvas.current, scale.width, 12);
    if (!context) return;
    for (const { first, last, kind } of board.marks) {
      if (last <= first) continue;
      context.fillStyle = `${COLORS[kind]}88`;
      context.fillRect(scale.left(first), 8, Math.max(2, scale.left(last + 1) - scale.left(first)), 3);
    }
    for (const { x, kind } of spots(board.marks, scale, MARK_PX)) {
      context.fillStyle = COLORS[kind];
      context.beginPath();
      if (kind === "drawing") context.rect(x - 1.5, 2, 3, 6);
      else context.arc(x, 5, 3, 0, Math.PI * 2);
      context.fill();
    }
  }, [board, scale]);
  return <canvas ref={canvas} class="marks" aria-hidden="true" />;
}

function Playheads({ room, scale }: { room: Room; scale: Scale }): JSX.Element {
  return (
    <>
      {room.session.others.value.map((other) => {
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
  const left = from === undefined ? 0 : scale.left(from);
  const right = to === undefined ? scale.width : scale.left(to + 1);
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
      {from !== undefined && (
        <i class="edge in" style={{ left: `${left}px` }} data-tip={t("player.in")} onPointerDown={(event) => edge(event, (frame) => room.player.setIn(frame))} />
      )}
      {to !== undefined && (
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

/** The line. */
export function Timeline({ room, board }: { room: Room; board: Board }): JSX.Element {
  const line = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLElement>(null);
  const scale = useSignal(new Scale(room.player.clock.count, 0));
  const hover = useSignal<number | undefined>(undefined);
  const image = useImage(room.filmstrip?.path);
  const { player } = room;
  useLayoutEffect(() => {
    const element = line.current;
    if (!element) return;
    const measure = (): void => void (scale.value = new Scale(player.clock.count, element.clientWidth));
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, [room]);
  useEffect(
    () =>
      effect(() => {
        // Each frame moves the head alone: nothing else is rendered for it.
        const place = scale.value.middle(player.frame.value);
        if (head.current) head.current.style.transform = `translateX(${place}px)`;
        const names = room.names(player.frame.value);
        line.current?.setAttribute("aria-valuenow", String(player.frame.value));
        line.current?.setAttribute("aria-valuetext", `${names.timecode}, ${names.number}`);
      }),
    [room],
  );
  const frameAt = (event: TargetedPointerEvent<HTMLElement>): number =>
    scale.value.frame(event.clientX - event.currentTarget.getBoundingClientRect().left);
  return (
    <div
      ref={line}
      class="timeline"
      role="slider"
      tabIndex={0}
      aria-label={t("player.timeline")}
      aria-valuemin={0}
      aria-valuemax={player.clock.last}
      data-testid="timeline"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        room.release();
        player.seek(frameAt(event));
      }}
      onPointerMove={(event) => {
        const frame = frameAt(event);
        hover.value = frame;
        if (event.currentTarget.hasPointerCapture(event.pointerId)) player.seek(frame);
      }}
      onPointerLeave={() => (hover.value = undefined)}
    >
      <Stills room={room} scale={scale.value} image={image} />
      <Marks board={board} scale={scale.value} />
      <Range room={room} scale={scale.value} />
      <Playheads room={room} scale={scale.value} />
      <i ref={head} class="playhead" />
      {hover.value !== undefined && <Preview room={room} scale={scale.value} image={image} frame={hover.value} />}
    </div>
  );
}
