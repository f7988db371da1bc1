/**
 * Text edits: applied, composed, moved past each other, inverted and found.
 *
 * An edit is a list that spans a whole text: a positive number keeps so many code points, a string is put in, a negative
 * number takes so many out. It is canonical: neighbours joined, nothing empty, at one place the insertion before the
 * deletion. What is counted is code points, never UTF-16 units. The transformation is that of ot.js (Baumann, TP1).
 */

import { Refuse } from "./refusal";

export type Part = number | string;
export type Edit = readonly Part[];

/** An edit does not span the text or the edit that it meets. */
export class Mismatch extends Refuse {
  constructor() {
    super("TEXT_MISMATCH");
  }
}

const PAIRED = /[\ud800-\udfff]/;
const HALF = /\p{Surrogate}/u;

/** Whether it holds half of a pair, which no UTF-8 can carry. */
export function hasSurrogate(text: string): boolean {
  return HALF.test(text);
}

/** Code points of a text. */
export function length(text: string): number {
  return PAIRED.test(text) ? Array.from(text).length : text.length;
}

/** A text that can be cut by code points; most need no list of them. */
function letters(text: string): readonly string[] | string {
  return PAIRED.test(text) ? Array.from(text) : text;
}

function cut(from: readonly string[] | string, start: number, end: number): string {
  return typeof from === "string" ? from.slice(start, end) : from.slice(start, end).join("");
}

/** The code points from one place to another. */
export function slice(text: string, start: number, end: number): string {
  return cut(letters(text), start, end);
}

/** UTF-8 bytes of a text. */
export function bytesOf(text: string): number {
  let size = 0;
  for (const letter of text) {
    size += bytesOfLetter(letter);
  }
  return size;
}

function bytesOfLetter(letter: string): number {
  const code = letter.codePointAt(0) ?? 0;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/** Refuses an edit of an operation that is not canonical. */
export function check(pieces: Edit): Edit {
  let before = 0;
  for (const part of pieces) {
    const kind = typeof part === "string" ? 2 : Math.sign(part);
    if (!part || kind === before || (kind === 2 && before === -1)) {
      throw new Refuse("INVALID_EDIT");
    }
    before = kind;
  }
  return pieces;
}

/** Puts a part at the end and keeps the edit canonical. */
export function add(edit: Part[], part: Part): void {
  if (!part) {
    return;
  }
  const end = edit.length - 1;
  const last = edit[end];
  if (typeof part === "string") {
    addLetters(edit, part);
  } else if (typeof last === "number" && part > 0 === last > 0) {
    edit[end] = last + part;
  } else {
    edit.push(part);
  }
}

function addLetters(edit: Part[], part: string): void {
  const end = edit.length - 1;
  const last = edit[end];
  if (typeof last === "string") {
    edit[end] = last + part;
  } else if (last !== undefined && last < 0) {
    const before = edit[end - 1];
    if (typeof before === "string") {
      edit[end - 1] = before + part;
    } else {
      edit.splice(end, 0, part);
    }
  } else {
    edit.push(part);
  }
}

/** Code points of the text that it is made on. */
export function lengthBefore(edit: Edit): number {
  return edit.reduce<number>((sum, part) => (typeof part === "string" ? sum : sum + Math.abs(part)), 0);
}

/** Code points of the text that it makes. */
export function lengthAfter(edit: Edit): number {
  return edit.reduce<number>((sum, part) => sum + (typeof part === "string" ? length(part) : Math.max(part, 0)), 0);
}

/** Whether it only keeps. */
export function changesNothing(edit: Edit): boolean {
  return edit.every((part) => typeof part === "number" && part > 0);
}

/** UTF-8 bytes that it puts in. */
export function insertedBytes(edit: Edit): number {
  return edit.reduce<number>((sum, part) => (typeof part === "string" ? sum + bytesOf(part) : sum), 0);
}

/** Whether two edits are the same. */
export function same(a: Edit, b: Edit): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}

/** The text after the edit. */
export function apply(text: string, edit: Edit): string {
  const from = letters(text);
  let out = "";
  let at = 0;
  for (const part of edit) {
    if (typeof part === "string") {
      out += part;
      continue;
    }
    const end = at + Math.abs(part);
    if (end > from.length) {
      throw new Mismatch();
    }
    if (part > 0) {
      out += cut(from, at, end);
    }
    at = end;
  }
  if (at !== from.length) {
    throw new Mismatch();
  }
  return out;
}

/** What undoes the edit; `text` is what it was made on. */
export function invert(edit: Edit, text: string): Edit {
  const from = letters(text);
  const inverse: Part[] = [];
  let at = 0;
  for (const part of edit) {
    if (typeof part === "string") {
      add(inverse, -length(part));
    } else if (part > 0) {
      add(inverse, part);
      at += part;
    } else {
      add(inverse, cut(from, at, at - part));
      at -= part;
    }
  }
  return inverse;
}

/** Reads an edit part by part, splitting parts where the other edit ends one. At the end the part is 0. */
class Parts {
  part: Part;
  private at = 0;

  constructor(private readonly edit: Edit) {
    this.part = edit[0] ?? 0;
  }

  next(): void {
    this.at++;
    this.part = this.edit[this.at] ?? 0;
  }

  /** Uses up so many code points of a number. */
  take(count: number): void {
    const part = this.part;
    if (typeof part === "string") {
      throw new Mismatch();
    }
    if (Math.abs(part) === count) {
      this.next();
    } else {
      this.part = part > 0 ? part - count : part + count;
    }
  }

  /** Uses up so many code points of the insertion that is the part. */
  takeLetters(text: string, count: number): void {
    const size = length(text);
    if (size === count) {
      this.next();
    } else {
      this.part = slice(text, count, size);
    }
  }
}

/**
 * Both moved past each other: `later` as it applies after `landed` is the second, the other way round the first.
 *
 * At one place the text of `landed` stands first. landed then later' gives the same text as later then landed'.
 */
export function transform(landed: Edit, later: Edit): [Edit, Edit] {
  const landedMoved: Part[] = [];
  const laterMoved: Part[] = [];
  const a = new Parts(landed);
  const b = new Parts(later);
  while (a.part || b.part) {
    const first = a.part;
    const second = b.part;
    if (typeof first === "string") {
      add(landedMoved, first);
      add(laterMoved, length(first));
      a.next();
    } else if (typeof second === "string") {
      add(landedMoved, length(second));
      add(laterMoved, second);
      b.next();
    } else if (!first || !second) {
      throw new Mismatch();
    } else {
      const count = Math.min(Math.abs(first), Math.abs(second));
      if (second > 0) {
        add(landedMoved, first > 0 ? count : -count);
      }
      if (first > 0) {
        add(laterMoved, second > 0 ? count : -count);
      }
      a.take(count);
      b.take(count);
    }
  }
  return [landedMoved, laterMoved];
}

/** One edit that does what both do one after the other. */
export function compose(first: Edit, second: Edit): Edit {
  const out: Part[] = [];
  const a = new Parts(first);
  const b = new Parts(second);
  while (a.part || b.part) {
    const before = a.part;
    const after = b.part;
    if (typeof before === "number" && before < 0) {
      add(out, before);
      a.next();
    } else if (typeof after === "string") {
      add(out, after);
      b.next();
    } else if (!before || !after) {
      throw new Mismatch();
    } else if (typeof before === "string") {
      const count = Math.min(length(before), Math.abs(after));
      if (after > 0) {
        add(out, slice(before, 0, count));
      }
      a.takeLetters(before, count);
      b.take(count);
    } else {
      const count = Math.min(before, Math.abs(after));
      add(out, after > 0 ? count : -count);
      a.take(count);
      b.take(count);
    }
  }
  return out;
}

/** The edit between two texts: what lies between their longest common start and end. */
export function diff(before: string, after: string): Edit {
  const plain = !PAIRED.test(before) && !PAIRED.test(after);
  const old = plain ? before : Array.from(before);
  const now = plain ? after : Array.from(after);
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && old[start] === now[start]) {
    start++;
  }
  let end = 0;
  while (end < shorter - start && old[old.length - 1 - end] === now[now.length - 1 - end]) {
    end++;
  }
  const edit: Part[] = [];
  add(edit, start);
  add(edit, cut(now, start, now.length - end));
  add(edit, -(old.length - end - start));
  add(edit, end);
  return edit;
}

/** The edit as several, one made on the other, of which none puts in more bytes or has more parts than so many. */
export function split(edit: Edit, mostBytes: number, mostParts: number): Edit[] {
  const edits: Edit[] = [];
  let rest = edit;
  while (insertedBytes(rest) > mostBytes || rest.length > mostParts) {
    const [head, then] = cutEdit(rest, mostBytes, mostParts);
    edits.push(head);
    rest = then;
  }
  edits.push(rest);
  return edits;
}

/** As much of the start as is allowed, and what then remains to be done. */
function cutEdit(edit: Edit, mostBytes: number, mostParts: number): [Edit, Edit] {
  const head: Part[] = [];
  const rest: Part[] = [];
  let freeBytes = mostBytes;
  // Two parts are left for what follows: the text that is not reached yet, and the start of a cut insertion.
  let freeParts = mostParts - 2;
  for (const part of edit) {
    if (rest.length || freeParts <= 0) {
      add(rest, part);
      continue;
    }
    freeParts--;
    if (typeof part === "string") {
      const [fits, over] = lettersWithin(part, freeBytes);
      freeBytes -= bytesOf(fits);
      add(head, fits);
      add(rest, over);
    } else {
      add(head, part);
    }
  }
  const then: Part[] = [];
  add(then, lengthAfter(head));
  rest.forEach((part) => add(then, part));
  add(head, lengthBefore(rest));
  return [head, then];
}

/** As many of its first code points as have no more UTF-8 bytes than so many, and the others. */
function lettersWithin(text: string, mostBytes: number): [string, string] {
  let size = 0;
  let at = 0;
  for (const letter of text) {
    size += bytesOfLetter(letter);
    if (size > mostBytes) {
      break;
    }
    at += letter.length;
  }
  return [text.slice(0, at), text.slice(at)];
}

/** Where a caret stands after an edit of `text`; both places are counted in UTF-16 units, as text fields do. */
export function moveCaret(edit: Edit, caret: number, text: string): number {
  const from = letters(text);
  let before = 0;
  let after = 0;
  let at = 0;
  for (const part of edit) {
    if (typeof part === "string") {
      after += part.length;
      continue;
    }
    const units = cut(from, at, at + Math.abs(part)).length;
    if (part > 0) {
      if (caret < before + units) {
        return after + caret - before;
      }
      after += units;
    } else if (caret < before + units) {
      return after;
    }
    before += units;
    at += Math.abs(part);
  }
  return after;
}
