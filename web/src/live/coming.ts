/** What is still to be turned on once one is in: what was on before the page was loaded again, or in the lobby. */
import { signal } from "@preact/signals";
import type { Place } from "./place";

export interface On {
  microphone: boolean;
  camera: boolean;
}

const NOTHING: On = { microphone: false, camera: false };

export class Coming {
  private readonly left = signal(NOTHING);

  constructor(place: On | undefined) {
    if (place) this.left.value = { microphone: place.microphone, camera: place.camera };
  }

  /** Whether there is nothing. */
  get over(): boolean {
    const { microphone, camera } = this.left.peek();
    return !microphone && !camera;
  }

  /** What is on, and what is to be. */
  with(now: On): On {
    const { microphone, camera } = this.left.value;
    return { microphone: now.microphone || microphone, camera: now.camera || camera };
  }

  /** Turns it on, one after the other: a browser asks for each. Until one is, or cannot be, it is still to be. */
  async turnOn(turn: (kind: keyof On) => Promise<void>): Promise<void> {
    for (const kind of ["microphone", "camera"] as const) {
      if (!this.left.peek()[kind]) continue;
      await turn(kind);
      this.left.value = { ...this.left.peek(), [kind]: false };
    }
  }

  /** The same in another room, where one is nobody yet, and no more here; undefined: there is nothing. */
  goAlong(room: string): Place | undefined {
    const left = this.left.peek();
    const place = this.over ? undefined : { room, participant: "", parent: "", ...left };
    this.left.value = NOTHING;
    return place;
  }
}
