/** Which notes of a cut one has not read yet: kept for the person, so that every browser knows it. */
import { computed, signal } from "@preact/signals";
import { kept, type Kept } from "../app/settings";
import type { Annotation } from "../document";
import { EMPTY_BOARD, type Board, type Thread } from "./board";
import { isUnread, marksOf, withRead, withUnread, type Marks } from "./read";

function notesOf({ root, replies }: Thread): Annotation[] {
  return [root, ...replies];
}

export class Reading {
  readonly board = signal<Board>(EMPTY_BOARD);
  private readonly marks: Kept<Marks>;
  /** Threads with something unread in them, by the id of their note. */
  readonly unread = computed<ReadonlySet<string>>(() => {
    const marks = this.marks.value.value;
    if (marks === undefined) return new Set();
    return new Set(this.board.value.threads.filter((thread) => this.others(thread).some((note) => isUnread(marks, note))).map(({ root }) => root.id));
  });

  constructor(
    videoId: bigint,
    private readonly me: string,
  ) {
    this.marks = kept(`read/${videoId}`, marksOf);
  }

  /** These have been read. */
  read(threads: readonly Thread[]): void {
    const notes = threads.flatMap((thread) => this.others(thread));
    const marks = this.marks.value.peek();
    if (marks && !notes.some((note) => isUnread(marks, note))) return;
    this.marks.change((now) => withRead(now, notes, this.all()));
  }

  /** It has not been read after all. */
  forget(thread: Thread): void {
    const notes = this.others(thread);
    if (notes.length > 0) this.marks.change((now) => withUnread(now, notes, this.all()));
  }

  /** What others wrote and the service has. */
  private others(thread: Thread): Annotation[] {
    return notesOf(thread).filter(({ authorId, createdMs }) => authorId !== "" && authorId !== this.me && createdMs > 0);
  }

  private all(): Annotation[] {
    return this.board.peek().threads.flatMap((thread) => this.others(thread));
  }
}
