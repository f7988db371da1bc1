/** What a live room is entered with. */
import type { Sending } from "./call";
import type { Place } from "./place";

export interface LiveOptions {
  project: bigint;
  room: string;
  /** The room that it is a breakout of, as far as that is known; empty: none. */
  parent: string;
  /** Who one was there before the page was loaded again, or what is to be turned on; undefined: nothing is known. */
  place: Place | undefined;
  /** What one sends already, out of another room. */
  sending: Sending | undefined;
  /** One belongs to another room from now on, which looks at an asset; 0: at whatever this one does. */
  go: (room: string, asset: bigint) => void;
}
