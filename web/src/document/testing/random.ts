/** Random numbers from a seed (mulberry32), so that every failure replays. */

import type { Edit, Part } from "../text";
import * as text from "../text";

const LETTERS = ["a", "b", "c", "\n", "ä", "漢", "🎬", "👍", "\u{e000}", "\uffff"];

export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer, both ends included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(of: number): boolean {
    return this.next() < of;
  }

  choice<T>(among: readonly T[]): T {
    return among[this.int(0, among.length - 1)] as T;
  }

  readonly bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => this.int(0, 255));

  /** A text of letters of one to four bytes. */
  text(most: number): string {
    return Array.from({ length: this.int(0, most) }, () => this.choice(LETTERS)).join("");
  }

  /** A canonical edit of a text. */
  edit(before: string): Edit {
    const edit: Part[] = [];
    for (let left = text.length(before); left > 0; ) {
      const count = this.int(1, left);
      text.add(edit, this.chance(0.5) ? this.text(3) : "");
      text.add(edit, this.chance(0.5) ? count : -count);
      left -= count;
    }
    text.add(edit, this.chance(0.5) ? this.text(3) : "");
    return edit;
  }
}
