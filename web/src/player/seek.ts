/** Which frame to seek to next, when frames are asked for faster than they can be shown: one at a time, always the latest. Pure. */
export class SeekQueue {
  private current: number | undefined;
  private wanted: number | undefined;

  /** The frame that is being gone to, or that will be. */
  get target(): number | undefined {
    return this.wanted ?? this.current;
  }

  /** The frame that is being gone to now. */
  get going(): number | undefined {
    return this.current;
  }

  get busy(): boolean {
    return this.current !== undefined;
  }

  /** A frame is asked for. Gives the frame to seek to now; undefined: a seek is under way, it will be next. */
  ask(frame: number): number | undefined {
    if (this.current === undefined) {
      this.current = frame;
      return frame;
    }
    this.wanted = frame === this.current ? undefined : frame;
    return undefined;
  }

  /** The seek under way is done. Gives the frame to seek to next. */
  done(): number | undefined {
    this.current = this.wanted;
    this.wanted = undefined;
    return this.current;
  }

  /** Whoever plays does not wait: gives the frame that is waited for, to be sought at once instead of the one under way. */
  hurry(): number | undefined {
    if (this.wanted === undefined) return undefined;
    return this.done();
  }

  /** Forgets what was asked for. */
  clear(): void {
    this.current = undefined;
    this.wanted = undefined;
  }
}
