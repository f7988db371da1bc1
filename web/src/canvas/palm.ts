/**
 * Which pointers draw. A pen wins over fingers: while it is near, what touches the screen is the hand that holds it; and who has
 * used a pen draws with the pen, and moves the picture with a finger. Pure.
 */

/** What is needed of a pointer event. */
export interface Contact {
  pointerId: number;
  pointerType: string;
  /** The size of what touches, in pixels; 1 or 0 where a device does not tell. */
  width: number;
  height: number;
  timeStamp: number;
}

/** A pen that was seen so long ago is put away, in milliseconds. */
const NEAR_MS = 700;
/** No finger is as large as this, in pixels. */
const PALM_PX = 70;

export type Does = "draw" | "pan" | "nothing";

export class Palm {
  private penDown: number | undefined;
  private penSeenMs = -Infinity;

  /** What a pointer that goes down is for. */
  down(contact: Contact): Does {
    if (contact.pointerType === "pen") {
      this.penDown = contact.pointerId;
      this.penSeenMs = contact.timeStamp;
      return "draw";
    }
    if (contact.pointerType !== "touch") return "draw";
    if (this.penDown !== undefined || contact.timeStamp - this.penSeenMs < NEAR_MS) return "nothing";
    if (Math.max(contact.width, contact.height) > PALM_PX) return "nothing";
    return this.penSeenMs === -Infinity ? "draw" : "pan";
  }

  /** A pointer moved; a pen does so over the screen too. */
  move(contact: Contact): void {
    if (contact.pointerType === "pen") this.penSeenMs = contact.timeStamp;
  }

  up(contact: Contact): void {
    if (contact.pointerType === "pen") this.penSeenMs = contact.timeStamp;
    if (contact.pointerId === this.penDown) this.penDown = undefined;
  }
}
