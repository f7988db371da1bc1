/** Both pictures on the stage, or beside each other, with the notes of each on its own. */
import { effect } from "@preact/signals";
import type { JSX, TargetedKeyboardEvent, TargetedPointerEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { paintCoats } from "../canvas/coat";
import { View } from "../canvas/view";
import { t } from "../messages";
import { background } from "../player/grade";
import { depend } from "../ui/depend";
import { say } from "../ui/toast";
import type { Compare } from "./compare";
import type { Comparison } from "./comparison";
import type { Other } from "./other";
import { Pair, wipeAt } from "./pair";
import { Reel } from "./reel";
import "./compare.css";

const KEY_STEP = 0.02;

interface Props {
  compare: Compare;
}

interface OtherProps extends Props {
  other: Other;
  now: Comparison;
}

/** B's view of the stage: fitted like A, and looked at alike. */
function viewOf(compare: Compare, other: Other): View {
  const { room } = compare;
  return new View(room.stage.value, other.picture, room.look.value);
}

/** What B's frames come from. It is painted from, and not seen itself. */
function Source({ compare, other }: { compare: Compare; other: Other }): JSX.Element {
  const element = useRef<HTMLVideoElement & HTMLImageElement>(null);
  useEffect(() => {
    if (element.current) other.attach(element.current);
    return () => other.detach();
  }, [other]);
  const { centre, width, height } = viewOf(compare, other);
  const style = { left: `${centre.x - width / 2}px`, top: `${centre.y - height / 2}px`, width: `${width}px`, height: `${height}px` };
  const { path, still } = other.opened.source;
  if (still) return <img ref={element} class="compare-source" style={style} src={path} alt="" onLoad={() => (other.frame.value = 0)} />;
  return <video ref={element} class="compare-source" style={style} src={path} preload="auto" muted playsInline disablePictureInPicture tabIndex={-1} />;
}

/** Paints the two whenever one of them shows another frame, after both have said which. */
function usePair(compare: Compare, other: Other, canvas: { current: HTMLCanvasElement | null }): void {
  useEffect(() => {
    const main = canvas.current;
    if (!main) return;
    const { room } = compare;
    const pair = new Pair(main, () => compare.pane.peek());
    const [a, b] = [new Reel(room.player.clock), new Reel(other.opened.clock)];
    let turn = 0;
    const paint = (nowMs: number): void => {
      turn = 0;
      const [comparison, pairing] = [compare.now.peek(), other.pairing.peek()];
      if (!comparison || !pairing) return;
      a.take(room.screen.peek(), room.player.frame.peek());
      b.take(other.screen.peek(), other.frame.peek());
      const halves = { a: { reel: a, picture: room.picture }, b: { reel: b, picture: other.picture } };
      const seen = { stage: room.stage.peek(), look: room.look.peek(), background: background.peek() };
      const again = pair.paint({ ...halves, ...seen, pairing, comparison }, nowMs);
      compare.beside.value = pair.beside;
      if (again) later();
    };
    const later = (): void => {
      turn ||= requestAnimationFrame(paint);
    };
    const stage = main.parentElement;
    const stopLine = effect(() => stage?.style.setProperty("--wipe", compare.line.value));
    const stop = effect(() => {
      depend(background, room.player.frame, room.player.shown, room.screen, room.stage, room.look, other.frame, other.screen, compare.now, compare.pane);
      later();
    });
    addEventListener("resize", later);
    // What a frame is may be told before it can be painted.
    const painted = ["loadeddata", "seeked", "canplay", "load"] as const;
    for (const name of painted) stage?.addEventListener(name, later, true);
    return () => {
      for (const name of painted) stage?.removeEventListener(name, later, true);
      cancelAnimationFrame(turn);
      removeEventListener("resize", later);
      stop();
      stopLine();
      a.close();
      b.close();
    };
  }, [compare, other]);
}

function PairCanvas({ compare, other }: { compare: Compare; other: Other }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  usePair(compare, other, canvas);
  return <canvas ref={canvas} class="layer compare-pair" data-testid="pair" aria-hidden="true" />;
}

/** Under the notes of A: both pictures as one. */
export function CompareUnder({ compare }: Props): JSX.Element | null {
  const other = compare.other.value;
  if (!other || !compare.now.value) return null;
  return (
    <>
      <Source key={`${other.number}`} compare={compare} other={other} />
      <PairCanvas key={`p${other.number}`} compare={compare} other={other} />
    </>
  );
}

/** The drawings of B. */
function OtherDrawings({ compare, other, now }: OtherProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = viewOf(compare, other);
  const frame = compare.beside.value;
  const version = other.notes.version.value;
  const from = now.mode === "wipe" ? wipeAt(new View(view.stage, compare.room.picture, view.look), now.wipe) : 0;
  useEffect(() => {
    if (!canvas.current) return;
    const list = now.mode === "a" || frame === undefined ? [] : other.notes.on(frame);
    const alpha = now.mode === "overlay" ? now.opacity : 1;
    paintCoats(canvas.current, view, [{ list, alpha, clip: [from, 1] }]);
  }, [frame, version, view.stage, view.look, now.mode, now.opacity, from]);
  return <canvas ref={canvas} class="layer" data-testid="other-drawings" aria-hidden="true" />;
}

/** What of B is on the screen. */
function OtherLabel({ compare, other }: { compare: Compare; other: Other }): JSX.Element {
  const frame = compare.beside.value;
  const problem = other.problem.value;
  const names = frame === undefined ? undefined : other.names(frame);
  return (
    <span class="compare-label b" data-testid="label-b">
      <b>v{other.number}</b>
      {problem ? <span>{t("player.problem")}</span> : <span class="mono">{names ? `${names.number} · ${names.timecode}` : t("compare.noFrame")}</span>}
    </span>
  );
}

function WipeLine({ compare, other, now }: OtherProps): JSX.Element {
  const { room } = compare;
  const view = new View(room.stage.value, room.picture, room.look.value);
  const left = view.centre.x - view.width / 2;
  const to = (x: number): void => compare.change({ wipe: Math.max(0, Math.min(1, (x - left) / Math.max(1, view.width))) });
  const drag = (event: TargetedPointerEvent<HTMLDivElement>): void => {
    event.stopPropagation();
    if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
    if (event.buttons === 0) return;
    const stage = event.currentTarget.parentElement?.getBoundingClientRect();
    to(event.clientX - (stage?.left ?? 0));
  };
  const press = (event: TargetedKeyboardEvent<HTMLDivElement>): void => {
    const by = { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    compare.change({ wipe: Math.max(0, Math.min(1, now.wipe + by)) });
  };
  return (
    <div
      class="compare-line"
      style={{ left: `${wipeAt(view, now.wipe) * 100}%` }}
      role="slider"
      tabIndex={0}
      aria-label={t("compare.line")}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(now.wipe * 100)}
      aria-valuetext={t("compare.lineAt", { n: Math.round(now.wipe * 100), number: other.number })}
      data-testid="wipe"
      onPointerDown={drag}
      onPointerMove={drag}
      onKeyDown={press}
    >
      <i />
    </div>
  );
}

/** What lies over B alone: there one does not draw, since it would be on A. */
function NotHere({ compare, from }: { compare: Compare; from: number }): JSX.Element {
  const block = (event: TargetedPointerEvent<HTMLDivElement>): void => {
    // Moving the picture about is as anywhere.
    if (event.button !== 0 || event.altKey || !event.isPrimary) return;
    event.stopPropagation();
    if (compare.room.session.writable.peek()) say({ title: t("compare.readOnly", { number: compare.now.peek()?.cut ?? 0, own: compare.room.cut.number }) });
  };
  return <div class="compare-block" style={{ left: `${from * 100}%` }} onPointerDown={block} />;
}

/** Over the picture: B's notes, what each side is, and the line of a wipe. */
export function CompareOver({ compare }: Props): JSX.Element | null {
  const other = compare.other.value;
  const now = compare.now.value;
  if (!other || !now) return null;
  const { room } = compare;
  const { mode } = now;
  const from = mode === "b" ? 0 : mode === "wipe" ? wipeAt(new View(room.stage.value, room.picture, room.look.value), now.wipe) : 1;
  return (
    <>
      {mode !== "side" && <OtherDrawings compare={compare} other={other} now={now} />}
      {from < 1 && <NotHere compare={compare} from={from} />}
      {mode !== "b" && <span class="compare-label a">v{room.cut.number}</span>}
      {mode !== "a" && mode !== "side" && <OtherLabel compare={compare} other={other} />}
      {mode === "wipe" && <WipeLine compare={compare} other={other} now={now} />}
    </>
  );
}

/** B beside A. */
export function ComparePane({ compare }: Props): JSX.Element | null {
  const other = compare.other.value;
  const now = compare.now.value;
  const pane = useRef<HTMLCanvasElement>(null);
  const there = now?.mode === "side" && other !== undefined;
  useEffect(() => {
    compare.pane.value = pane.current;
    return () => {
      compare.pane.value = null;
    };
  }, [there]);
  if (now?.mode !== "side") return null;
  return (
    <div class="compare-pane" data-testid="pane">
      <canvas ref={pane} class="layer compare-pair" data-testid="pair-b" role="img" aria-label={t("compare.picture", { number: now.cut })} />
      {other && <OtherDrawings compare={compare} other={other} now={now} />}
      {other && <OtherLabel compare={compare} other={other} />}
    </div>
  );
}
