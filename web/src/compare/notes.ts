/** The notes of another cut, live and only to be looked at. */
import { signal } from "@preact/signals";
import { annotations } from "../app/api";
import { isNotFound } from "../app/error";
import { Audience, Delivery, FrameIndex, PendingClient, type Annotation } from "../document";
import { isDrawn } from "../canvas/shape";
import { waitMs } from "../session/backoff";
import { randomBytes } from "../session/session";

export class OtherNotes {
  /** Grows with each change. */
  readonly version = signal(0);
  private readonly client: PendingClient;
  private readonly index: FrameIndex;
  private readonly stop = new AbortController();

  constructor(private readonly videoId: bigint) {
    this.client = new PendingClient(Number(videoId), randomBytes, { audience: Audience.UNSPECIFIED, delivery: Delivery.AUTO });
    this.index = new FrameIndex(this.client.screen);
    void this.follow();
  }

  close(): void {
    this.stop.abort();
  }

  /** What is drawn on a frame. */
  on(frame: number): Annotation[] {
    return this.index.on(frame).map(({ annotation }) => annotation).filter(isDrawn);
  }

  /** Follows, and begins again when the stream ends, until there is nothing to follow. */
  private async follow(): Promise<void> {
    for (let failures = 1; !this.stop.signal.aborted; failures++) {
      try {
        if (await this.once()) failures = 0;
      } catch (error) {
        // What is gone, or not to be seen any more, does not come back by asking. Anything else may.
        if (isNotFound(error)) return;
      }
      this.client.disconnected();
      await new Promise((resolve) => setTimeout(resolve, waitMs(failures, Math.random())));
    }
  }

  /** One stream. Gives whether anything came. */
  private async once(): Promise<boolean> {
    const { confirmed } = this.client;
    this.client.connect(0);
    const resume = confirmed.epoch === 0 ? {} : { resumeRevision: BigInt(confirmed.revision), epoch: BigInt(confirmed.epoch) };
    const request = { videoId: this.videoId, delivery: Delivery.AUTO, ...resume };
    let heard = false;
    for await (const { message } of annotations.follow(request, { signal: this.stop.signal, timeoutMs: 0 })) {
      if (!message) continue;
      heard = true;
      for (const event of this.client.receive(message)) {
        if (event.kind === "reconnect") return heard;
        if (event.kind !== "changed") continue;
        this.index.update(event.ids);
        this.version.value++;
      }
    }
    return heard;
  }
}
