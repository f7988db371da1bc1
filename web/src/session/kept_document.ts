/** The document of a clip as it was last seen, on the shelf: it opens from there, and the server sends only what changed since. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { SnapshotPartSchema } from "../gen/rushes/annotation/v1/annotation_service_pb";
import { exact, stateFromMessage, stateMessage, type Audience, type KeptDocument, type PendingClient } from "../document";
import { lookUp, putAway, takeOff } from "./shelf";

/** Written so long after a change, and so many times as long as writing took: a large document is written less often. */
const WAIT_MS = 4000;
/** The first time: who opens a clip and leaves has seen it. */
const SOON_MS = 500;
const TIMES = 40;

export interface Seen extends KeptDocument {
  /** As whom one read. */
  audience: Audience;
}

interface Head {
  epoch: number;
  permissions: number;
  audience: Audience;
}

function encode({ epoch, permissions, audience, revision, states }: Seen): Uint8Array<ArrayBuffer> {
  const annotations = states.map(stateMessage);
  const body = toBinary(SnapshotPartSchema, create(SnapshotPartSchema, { revision: BigInt(revision), last: true, annotations }));
  const head = new TextEncoder().encode(JSON.stringify({ epoch, permissions, audience } satisfies Head));
  const bytes = new Uint8Array(2 + head.length + body.length);
  new DataView(bytes.buffer).setUint16(0, head.length);
  bytes.set(head, 2);
  bytes.set(body, 2 + head.length);
  return bytes;
}

function decode(bytes: Uint8Array, personId: string): Seen {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint16(0);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(2, 2 + length))) as Head;
  const part = fromBinary(SnapshotPartSchema, bytes.subarray(2 + length));
  return { ...head, personId, revision: exact(part.revision), states: part.annotations.map(stateFromMessage) };
}

/** What was last seen of a video; undefined: nothing. */
export async function lastSeen(personId: string, videoId: number): Promise<Seen | undefined> {
  const bytes = await lookUp("documents", personId, String(videoId));
  try {
    return bytes && decode(bytes, personId);
  } catch {
    // Of another build that wrote it otherwise: as if it were not there.
    return undefined;
  }
}

/** Keeps what is seen of one video. */
export class Memory {
  private timer = 0;
  private waitMs = SOON_MS;
  private writtenRevision = -1;
  private ended = false;

  constructor(
    private readonly client: PendingClient,
    private readonly audience: () => Audience | undefined,
  ) {
    addEventListener("pagehide", this.write);
  }

  /** Something changed. */
  touch(): void {
    if (!this.ended) this.timer ||= window.setTimeout(this.write, this.waitMs);
  }

  /** Writes it now, if something has changed since it was last written. */
  readonly write = (): void => {
    if (this.ended) return;
    clearTimeout(this.timer);
    this.timer = 0;
    const { confirmed, personId, videoId, permissions } = this.client;
    const audience = this.audience();
    if (audience === undefined || confirmed.epoch === 0 || confirmed.revision === this.writtenRevision) return;
    this.writtenRevision = confirmed.revision;
    const beginMs = performance.now();
    const bytes = encode({ states: confirmed.annotations, revision: confirmed.revision, epoch: confirmed.epoch, permissions, audience, personId });
    this.waitMs = Math.max(WAIT_MS, TIMES * (performance.now() - beginMs));
    void putAway("documents", personId, String(videoId), bytes);
  };

  /** Forgets it: it is gone, or not to be seen any more. */
  async forget(): Promise<void> {
    this.cease();
    await takeOff("documents", this.client.personId, String(this.client.videoId));
  }

  /** From now on nothing more is kept; what is kept stays. */
  cease(): void {
    this.ended = true;
    clearTimeout(this.timer);
    this.timer = 0;
    removeEventListener("pagehide", this.write);
  }

  /** Ends, with what is seen now kept. */
  end(): void {
    this.write();
    this.cease();
  }
}
