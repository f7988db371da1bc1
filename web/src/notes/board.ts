/** All notes of a video as lists and marks: threads with their replies, drawings by frame. Pure. */
import { AnnotationKind, Audience, compareDrawingOrder, StrokeMode, type Annotation, type AnnotationState, type Id } from "../document";
import type { Mark } from "../player/timeline_scale";

export interface Thread {
  root: Annotation;
  replies: Annotation[];
}

export interface Drawings {
  frame: number;
  /** The last frame that one of them is seen on. */
  last: number;
  count: number;
  authors: string[];
  /** What is written on the picture, if anything is. */
  text: string;
  first: Annotation;
}

export interface Board {
  threads: Thread[];
  drawings: Drawings[];
  marks: Mark[];
}

export const EMPTY_BOARD: Board = { threads: [], drawings: [], marks: [] };

/** The board of a document. */
export function boardOf(states: readonly AnnotationState[]): Board {
  const byId = new Map(states.map(({ annotation }) => [annotation.id, annotation]));
  const threads = new Map<Id, Thread>();
  const onFrames = new Map<number, Drawings>();
  for (const { annotation } of [...states].sort(compareDrawingOrder)) {
    if (annotation.deleted) continue;
    if (annotation.kind !== AnnotationKind.COMMENT && !annotation.parentId) {
      addDrawing(onFrames, annotation);
      continue;
    }
    const root = rootOf(annotation, byId);
    if (!root || root.deleted) continue;
    const thread = threads.get(root.id) ?? { root, replies: [] };
    threads.set(root.id, thread);
    if (annotation !== root) thread.replies.push(annotation);
  }
  const list = [...threads.values()].sort((a, b) => a.root.firstFrame - b.root.firstFrame);
  const drawings = [...onFrames.values()].sort((a, b) => a.frame - b.frame);
  return { threads: list, drawings, marks: marksOf(list, drawings) };
}

function rootOf(annotation: Annotation, byId: Map<Id, Annotation>): Annotation | undefined {
  let now: Annotation | undefined = annotation;
  while (now?.parentId) now = byId.get(now.parentId);
  return now;
}

function addDrawing(onFrames: Map<number, Drawings>, annotation: Annotation): void {
  if (annotation.mode === StrokeMode.ERASE) return;
  const frame = annotation.firstFrame;
  const held = onFrames.get(frame) ?? { frame, last: frame, count: 0, authors: [], text: "", first: annotation };
  onFrames.set(frame, held);
  held.count++;
  held.last = Math.max(held.last, annotation.lastFrame);
  if (!held.authors.includes(annotation.authorId)) held.authors.push(annotation.authorId);
  if (annotation.text && !held.text) held.text = annotation.text;
}

function marksOf(threads: readonly Thread[], drawings: readonly Drawings[]): Mark[] {
  return [
    ...drawings.map(({ frame, last }): Mark => ({ first: frame, last, kind: "drawing" })),
    ...threads.map(({ root }): Mark => ({ first: root.firstFrame, last: root.lastFrame, kind: root.resolved ? "done" : "note" })),
  ];
}

export const SHOWS = ["all", "open", "resolved", "mine", "drawings"] as const;
export type Show = (typeof SHOWS)[number];

export interface Filter {
  show: Show;
  query: string;
  /** Only those of this audience; unspecified: both. */
  audience: Audience;
}

export const EVERYTHING: Filter = { show: "all", query: "", audience: Audience.UNSPECIFIED };

function says(text: string, query: string): boolean {
  return query === "" || text.toLocaleLowerCase().includes(query.toLocaleLowerCase());
}

/** Whether a thread is among what one wants to see. */
export function matches({ root, replies }: Thread, filter: Filter, me: string): boolean {
  const all = [root, ...replies];
  if (filter.show === "drawings") return false;
  if (filter.show === "open" && root.resolved) return false;
  if (filter.show === "resolved" && !root.resolved) return false;
  if (filter.show === "mine" && !all.some((each) => each.authorId === me)) return false;
  if (filter.audience !== Audience.UNSPECIFIED && root.audience !== filter.audience) return false;
  return all.some((each) => says(each.text, filter.query.trim()));
}

export type Entry = { kind: "thread"; thread: Thread } | { kind: "drawings"; drawings: Drawings };

/** The list as it is shown, by frame; drawings of a frame stand after its notes. */
export function entries(board: Board, filter: Filter, me: string): Entry[] {
  const query = filter.query.trim();
  const threads = board.threads.filter((thread) => matches(thread, filter, me)).map((thread): Entry => ({ kind: "thread", thread }));
  const wanted = filter.show === "all" || filter.show === "drawings";
  const drawings = wanted && filter.audience === Audience.UNSPECIFIED ? board.drawings.filter(({ text }) => says(text, query)) : [];
  const frame = (entry: Entry): number => (entry.kind === "thread" ? entry.thread.root.firstFrame : entry.drawings.frame);
  return [...threads, ...drawings.map((each): Entry => ({ kind: "drawings", drawings: each }))].sort((a, b) => frame(a) - frame(b));
}

/** The nearest frame with a note or drawing before (-1) or after (1) a frame. */
export function neighbour(board: Board, frame: number, direction: 1 | -1): number | undefined {
  let best: number | undefined;
  for (const { first } of board.marks) {
    const ahead = (first - frame) * direction > 0;
    if (ahead && (best === undefined || (best - first) * direction > 0)) best = first;
  }
  return best;
}
