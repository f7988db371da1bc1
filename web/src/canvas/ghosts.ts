/** Drawings of the frames around, seen through: those before in red, those after in green, paler the farther away. */
import { StrokeMode, type Annotation } from "../document";
import type { Room } from "../review/room";
import { contextOf } from "./layer";
import { costOf, draw, takeView } from "./paint";
import { densityNow } from "./painter";
import { isDrawn } from "./shape";
import { ghost } from "./tools";
import type { View } from "./view";

/** How many frames around are seen. */
export const GHOST_FRAMES = 5;
const BEFORE = "#ff4d4d";
const AFTER = "#3ddc84";
const NEAREST = 0.55;
/** What ghosts may cost to paint: beyond that the farthest are left out. */
const MOST_COST = 60_000;

/** The drawings that are so many frames away, on one side. */
export interface GhostFrame {
  /** Below zero: before. */
  distance: number;
  list: Annotation[];
}

/** How strongly a frame so far away is seen. */
export function ghostAlpha(distance: number): number {
  return NEAREST * (1 - (Math.abs(distance) - 1) / GHOST_FRAMES);
}

/** What is seen through of the frames around one, the nearest last. What is on the frame itself is no ghost. */
export function ghostsOf(list: readonly Annotation[], frame: number): GhostFrame[] {
  const frames = new Map<number, Annotation[]>();
  for (const annotation of list) {
    const distance = annotation.lastFrame < frame ? annotation.lastFrame - frame : annotation.firstFrame - frame;
    const here = annotation.firstFrame <= frame && frame <= annotation.lastFrame;
    if (here || Math.abs(distance) > GHOST_FRAMES || !isDrawn(annotation)) continue;
    const held = frames.get(distance) ?? [];
    frames.set(distance, held);
    held.push(annotation);
  }
  const found = [...frames].map(([distance, each]) => ({ distance, list: each }));
  found.sort((a, b) => Math.abs(a.distance) - Math.abs(b.distance));
  let cost = 0;
  const near = found.filter(({ list: each }) => (cost += each.reduce((sum, annotation) => sum + costOf(annotation), 0)) <= MOST_COST);
  return near.reverse().filter(({ list: each }) => each.some(({ mode }) => mode !== StrokeMode.ERASE));
}

export class Ghosts {
  private readonly context: CanvasRenderingContext2D;
  private scratch: CanvasRenderingContext2D | undefined;
  private shown = "";
  private view: View | undefined;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = contextOf(canvas);
    canvas.width = canvas.height = 0;
  }

  /** Paints what differs. */
  show(room: Room, view: View): void {
    const on = ghost.peek() && !room.player.playing.peek();
    const frame = room.player.frame.peek();
    const state = on ? `${frame} ${room.session.version.peek()} ${densityNow()}` : "";
    if (state === this.shown && (view === this.view || !on)) return;
    this.shown = state;
    this.view = view;
    if (!on) return this.close();
    this.paint(ghostsOf(room.session.index.between(frame - GHOST_FRAMES, frame + GHOST_FRAMES).map(({ annotation }) => annotation), frame), view);
  }

  private paint(frames: readonly GhostFrame[], view: View): void {
    const density = densityNow();
    const { canvas, context } = this;
    canvas.width = Math.round(view.stage.width * density);
    canvas.height = Math.round(view.stage.height * density);
    if (frames.length === 0 || canvas.width * canvas.height === 0) return;
    const scratch = (this.scratch ??= contextOf(document.createElement("canvas")));
    for (const { distance, list } of frames) {
      // A frame by itself first: its erasers erase nothing of the others, and where its lines cross they are no darker.
      scratch.canvas.width = canvas.width;
      scratch.canvas.height = canvas.height;
      takeView(scratch, view, density);
      for (const annotation of list) draw(scratch, annotation, distance < 0 ? BEFORE : AFTER);
      context.globalAlpha = ghostAlpha(distance);
      context.drawImage(scratch.canvas, 0, 0);
    }
  }

  /** Gives its memory back. */
  close(): void {
    this.canvas.width = this.canvas.height = 0;
    if (this.scratch) this.scratch.canvas.width = this.scratch.canvas.height = 0;
    this.scratch = undefined;
  }
}
