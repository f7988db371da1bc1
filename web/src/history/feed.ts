/** The versions of a video as they come: all that there are, then each that is new, is tagged or is moved to another tier. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Version } from "../gen/rushes/version/v1/version_pb";
import { SyncVersionsRequestSchema, SyncVersionsResponseSchema, type SyncVersionsResponse } from "../gen/rushes/version/v1/version_service_pb";
import { waitMs } from "../session/backoff";
import { afterEnd } from "../session/link";
import { Stream } from "../session/stream";

const PATH = "/rushes.version.v1.VersionService/SyncVersions";

/** What is known of the versions. Pure. */
export class VersionList {
  /** The last change that is known: whoever opens again goes on from there. */
  change = 0n;
  head = 0n;
  private until = 0n;
  private readonly known = new Map<bigint, Version>();

  /** Whether all is here that there was when it was opened. */
  get whole(): boolean {
    return this.change >= this.until;
  }

  /** The newest first. */
  get versions(): Version[] {
    return [...this.known.values()].sort((a, b) => Number(b.number - a.number));
  }

  take({ message }: SyncVersionsResponse): void {
    if (message.case === "opened") {
      this.until = message.value.change;
      this.head = message.value.headVersionId;
    }
    if (message.case !== "version") return;
    const version = message.value;
    // The head that it was opened with is that of all that there was then. From then on what follows the head is the head.
    const follows = version.change > this.until && !this.known.has(version.versionId) && version.baseVersionId === this.head;
    this.known.set(version.versionId, version);
    if (version.change > this.change) this.change = version.change;
    if (follows) this.head = version.versionId;
  }
}

/** Follows the versions of a video until it is closed. */
export class VersionFeed {
  private readonly list = new VersionList();
  private stream: Stream | undefined;
  private failures = 0;
  private timer = 0;
  private news = false;
  private readonly stop = new AbortController();

  constructor(
    private readonly videoId: bigint,
    /** Told a moment after something changed, once all is here. */
    private readonly changed: (list: VersionList) => void,
  ) {
    addEventListener("online", () => this.connect(), { signal: this.stop.signal });
    this.connect();
  }

  close(): void {
    this.stop.abort();
    clearTimeout(this.timer);
    this.stream?.close();
  }

  private connect(): void {
    clearTimeout(this.timer);
    this.stream?.close();
    const stream = new Stream(PATH, {
      opened: () => {
        const open = { videoId: this.videoId, afterChange: this.list.change };
        stream.send(toBinary(SyncVersionsRequestSchema, create(SyncVersionsRequestSchema, { message: { case: "open", value: open } })));
      },
      message: (payload) => this.take(payload),
      ended: (status) => {
        const next = afterEnd(status);
        // Without the right to see it there is nothing to follow; the page says so already.
        if (next === "again" || next === "afresh") this.again();
      },
      lost: () => this.again(),
    });
    this.stream = stream;
  }

  private take(payload: Uint8Array): void {
    this.failures = 0;
    this.list.take(fromBinary(SyncVersionsResponseSchema, payload));
    if (!this.list.whole || this.news) return;
    // What comes at once is told of once.
    this.news = true;
    setTimeout(() => {
      this.news = false;
      if (!this.stop.signal.aborted) this.changed(this.list);
    });
  }

  private again(): void {
    if (this.stop.signal.aborted) return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.connect(), waitMs(++this.failures, Math.random()));
  }
}
