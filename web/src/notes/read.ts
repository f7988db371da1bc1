/** Which notes of a video a person has read: all up to a time, and some after it. Pure. */

export interface Note {
  id: string;
  createdMs: number;
}

export interface Marks {
  /** Everything up to then has been read, in the service's time. */
  untilMs: number;
  /** And these after it. */
  ids: readonly string[];
}

export const NOTHING_READ: Marks = { untilMs: 0, ids: [] };
const MOST_IDS = 1500;

/** Marks as they were kept. */
export function marksOf(raw: unknown): Marks {
  const { untilMs, ids } = (raw ?? {}) as Partial<Record<string, unknown>>;
  if (typeof untilMs !== "number" || !Array.isArray(ids)) return NOTHING_READ;
  return { untilMs, ids: ids.filter((each): each is string => typeof each === "string").slice(-MOST_IDS) };
}

/** Whether a note of somebody else has not been read yet. */
export function isUnread(marks: Marks, note: Note): boolean {
  return note.createdMs > marks.untilMs && !marks.ids.includes(note.id);
}

/** The marks once these have been read. `all` are the notes of the video: where none is left, one time says it. */
export function withRead(marks: Marks, read: readonly Note[], all: readonly Note[]): Marks {
  const fresh = read.filter((note) => isUnread(marks, note)).map(({ id }) => id);
  if (fresh.length === 0) return marks;
  const next: Marks = { untilMs: marks.untilMs, ids: [...marks.ids, ...fresh] };
  const left = all.filter((note) => isUnread(next, note));
  const untilMs = Math.max(next.untilMs, ...all.map(({ createdMs }) => createdMs));
  if (left.length === 0) return { untilMs, ids: [] };
  // The oldest that is left bounds the time: what was read before it needs no mark of its own.
  const before = Math.min(...left.map(({ createdMs }) => createdMs)) - 1;
  if (before <= next.untilMs) return { ...next, ids: next.ids.slice(-MOST_IDS) };
  const after = new Set(all.filter(({ createdMs }) => createdMs > before).map(({ id }) => id));
  return { untilMs: before, ids: next.ids.filter((id) => after.has(id)).slice(-MOST_IDS) };
}

/** The marks once some of them have not been read after all. */
export function withUnread(marks: Marks, unread: readonly Note[], all: readonly Note[]): Marks {
  const gone = new Set(unread.map(({ id }) => id));
  const first = Math.min(...unread.map(({ createdMs }) => createdMs));
  if (first > marks.untilMs) return { ...marks, ids: marks.ids.filter((id) => !gone.has(id)) };
  const untilMs = first - 1;
  const kept = all.filter(({ id, createdMs }) => createdMs > untilMs && !gone.has(id) && !isUnread(marks, { id, createdMs }));
  return { untilMs, ids: kept.map(({ id }) => id).slice(-MOST_IDS) };
}
