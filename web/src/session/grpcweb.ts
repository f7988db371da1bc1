/** gRPC-Web framing: a byte of flags, a length in four bytes, a payload; headers and trailers have the top bit set. Pure. */

export const DATA = 0x00;
export const TRAILERS = 0x80;
const HEADER_BYTES = 5;

/** The bytes are not what the protocol says. */
export class ProtocolError extends Error {}

export interface Frame {
  flag: number;
  payload: Uint8Array;
}

/** One frame as bytes. */
export function frameBytes(flag: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  bytes[0] = flag;
  new DataView(bytes.buffer).setUint32(1, payload.length);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** Cuts bytes that come in any pieces into frames. */
export class FrameReader {
  private rest: Uint8Array = new Uint8Array(0);

  constructor(private readonly mostBytes: number) {}

  /** The frames that are complete now. */
  feed(bytes: Uint8Array): Frame[] {
    const all = this.rest.length === 0 ? bytes : joined(this.rest, bytes);
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    const frames: Frame[] = [];
    let at = 0;
    while (all.length - at >= HEADER_BYTES) {
      const flag = view.getUint8(at);
      const length = view.getUint32(at + 1);
      if (length > this.mostBytes) throw new ProtocolError(`a frame of ${length} bytes`);
      if (flag !== DATA && flag !== TRAILERS) throw new ProtocolError(`a frame with the flags ${flag}`);
      if (all.length - at < HEADER_BYTES + length) break;
      frames.push({ flag, payload: all.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length) });
      at += HEADER_BYTES + length;
    }
    this.rest = all.slice(at);
    return frames;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

/** Header lines by their name in lower case. */
export function fieldsOf(payload: Uint8Array): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of new TextDecoder("latin1").decode(payload).split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return fields;
}
