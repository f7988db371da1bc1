/** All notes of a video as lists and marks: threads with their replies, drawings by frame. Pure. */
import { AnnotationKind, Audience, compareDrawingOrder, StrokeMode, type Annotation, type AnnotationState, type Id } from "../document";
import type { Mark } from "../player/timeline_scale";
import { personTag, rankOf } from "./label";

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
  // Of thousands of strokes none is asked for by its id.
  let byId: Map<Id, Annotation> | undefined;
  const find = (id: Id): Annotation | undefined => (byId ??= new Map(states.map(({ annotation }) => [annotation.id, annotation]))).get(id);
  const threads = new Map<Id, Thread>();
  const onFrames = new Map<number, Drawings>();
  for (const { annotation } of inOrder(states)) {
    if (annotation.deleted) continue;
    if (annotation.kind !== AnnotationKind.COMMENT && !annotation.parentId) {
      addDrawing(onFrames, annotation);
      continue;
    }
    const root = rootOf(annotation, find);
    if (!root || root.deleted) continue;
    const thread = threads.get(root.id) ?? { root, replies: [] };
    threads.set(root.id, thread);
    if (annotation !== root) thread.replies.push(annotation);
  }
  const list = [...threads.values()].sort((a, b) => a.root.firstFrame - b.root.firstFrame);
  const drawings = [...onFrames.values()].sort((a, b) => a.frame - b.frame);
  return { threads: list, drawings, marks: marksOf(list, drawings) };
}

/** In drawing order, as a document nearly always is already. */
function inOrder(states: readonly AnnotationState[]): readonly AnnotationState[] {
  let before = states[0];
  for (const state of states) {
    if (before && compareDrawingOrder(before, state) > 0) return [...states].sort(compareDrawingOrder);
    before = state;
  }
  return states;
}

function rootOf(annotation: Annotation, find: (id: Id) => Annotation | undefined): Annotation | undefined {
  let now: Annotation | undefined = annotation;
  while (now?.parentId) now = find(now.parentId);
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

export const SHOWS = ["all", "open", "unread", "mentions", "mine", "resolved", "drawings"] as const;
export type Show = (typeof SHOWS)[number];

export const SORTS = ["frame", "newest", "priority"] as const;
export type Sort = (typeof SORTS)[number];

export interface Filter {
  show: Show;
  query: string;
  /** Only those with all of these tags. */
  tags: readonly string[];
  sort: Sort;
  /** Only those of this audience; unspecified: both. */
  audience: Audience;
}

export const EVERYTHING: Filter = { show: "all", query: "", tags: [], sort: "frame", audience: Audience.UNSPECIFIED };

/** Who looks, and what they have not read yet. */
export interface Viewer {
  me: string;
  unread: (thread: Thread) => boolean;
}

function says(text: string, query: string): boolean {
  return query === "" || text.toLocaleLowerCase().includes(query.toLocaleLowerCase());
}

/** Whether a thread is among what one wants to see. */
export function matches(thread: Thread, filter: Filter, { me, unread }: Viewer): boolean {
  const { root, replies } = thread;
  const all = [root, ...replies];
  if (filter.show === "drawings") return false;
  if (filter.show === "open" && root.resolved) return false;
  if (filter.show === "resolved" && !root.resolved) return false;
  if (filter.show === "mine" && !all.some((each) => each.authorId === me || each.authorId === "")) return false;
  if (filter.show === "mentions" && !all.some((each) => each.tags.includes(personTag(me)))) return false;
  if (filter.show === "unread" && !unread(thread)) return false;
  if (!filter.tags.every((tag) => all.some((each) => each.tags.includes(tag)))) return false;
  if (filter.audience !== Audience.UNSPECIFIED && root.audience !== filter.audience) return false;
  return all.some((each) => says([each.text, ...each.tags].join("\n"), filter.query.trim()));
}

export type Entry = { kind: "thread"; thread: Thread } | { kind: "drawings"; drawings: Drawings };

function firstOf(entry: Entry): Annotation {
  return entry.kind === "thread" ? entry.thread.root : entry.drawings.first;
}

function lastMs(entry: Entry): number {
  const notes = entry.kind === "thread" ? [entry.thread.root, ...entry.thread.replies] : [entry.drawings.first];
  // What is not saved yet is the newest.
  return Math.max(...notes.map(({ createdMs }) => createdMs || Infinity));
}

const BY: Record<Sort, (a: Entry, b: Entry) => number> = {
  frame: (a, b) => firstOf(a).firstFrame - firstOf(b).firstFrame,
  newest: (a, b) => lastMs(b) - lastMs(a) || 0,
  priority: (a, b) => rankOf(firstOf(a).tags) - rankOf(firstOf(b).tags) || firstOf(a).firstFrame - firstOf(b).firstFrame,
};

/** The list as it is shown; where nothing else decides, drawings of a frame stand after its notes. */
export function entries(board: Board, filter: Filter, viewer: Viewer): Entry[] {
  const query = filter.query.trim();
  const threads = board.threads.filter((thread) => matches(thread, filter, viewer)).map((thread): Entry => ({ kind: "thread", thread }));
  const wanted = (filter.show === "all" || filter.show === "drawings") && filter.tags.length === 0;
  const drawings = wanted && filter.audience === Audience.UNSPECIFIED ? board.drawings.filter(({ text }) => says(text, query)) : [];
  return [...threads, ...drawings.map((each): Entry => ({ kind: "drawings", drawings: each }))].sort(BY[filter.sort]);
}

/** The tags that notes have, sorted. */
export function tagsOf(board: Board): string[] {
  return [...new Set(board.threads.flatMap(({ root, replies }) => [root, ...replies].flatMap(({ tags }) => tags)))].sort();
}

export interface NoteView {
  name: string;
  filter: Filter;
}

/** A filter as it was kept, or came in an address: what is not of its kind is as at first. */
export function filterFrom(raw: unknown): Filter {
  const { show, query, tags, sort, audience } = (typeof raw === "object" && raw !== null ? raw : {}) as Partial<Record<keyof Filter, unknown>>;
  return {
    show: SHOWS.find((each) => each === show) ?? EVERYTHING.show,
    query: typeof query === "string" ? query : EVERYTHING.query,
    tags: Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === "string") : EVERYTHING.tags,
    sort: SORTS.find((each) => each === sort) ?? EVERYTHING.sort,
    audience: [Audience.INTERNAL, Audience.CLIENT].find((each) => each === audience) ?? EVERYTHING.audience,
  };
}

/** Views as they were kept; what is not one is left out. */
export function noteViewsOf(raw: unknown): NoteView[] {
  if (!Array.isArray(raw)) return [];
  return raw.flatMap((each: unknown): NoteView[] => {
    const { name, filter } = (each ?? {}) as Partial<Record<keyof NoteView, unknown>>;
    return typeof name === "string" && name !== "" && typeof filter === "object" ? [{ name, filter: filterFrom(filter) }] : [];
  });
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
