/**
 * The client's side of the `grpc-websockets` subprotocol, one call a socket: sans-IO. First a message of header lines; then
 * each message begins with a byte, 0 and a frame, or 1 alone for the end. Back come gRPC-Web frames, the last of them trailers.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { ErrorInfoSchema, RetryInfoSchema, type RetryInfo } from "../gen/google/rpc/error_details_pb";
import { StatusSchema } from "../gen/google/rpc/status_pb";
import { DATA, fieldsOf, frameBytes, FrameReader, ProtocolError, TRAILERS } from "./grpcweb";

export const SUBPROTOCOL = "grpc-websockets";
const MORE = 0;
const FINISH = 1;
const MOST_BYTES = 8 * 1024 * 1024;

export interface Ended {
  /** google.rpc.Code. */
  code: number;
  message: string;
  /** Stable reason; empty: none was given. */
  reason: string;
  /** When to come back, in milliseconds; 0: it was not said. */
  retryMs: number;
}

export type SocketEvent = { kind: "message"; payload: Uint8Array } | { kind: "ended"; status: Ended };

export class ClientSocket {
  private readonly reader = new CallReader();

  /** The first message. */
  headers(): Uint8Array<ArrayBuffer> {
    return new TextEncoder().encode("content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n");
  }

  /** A serialised message, to be sent. */
  message(payload: Uint8Array): Uint8Array<ArrayBuffer> {
    const frame = frameBytes(DATA, payload);
    const bytes = new Uint8Array(1 + frame.length);
    bytes[0] = MORE;
    bytes.set(frame, 1);
    return bytes;
  }

  /** Nothing more is sent. */
  finish(): Uint8Array<ArrayBuffer> {
    return Uint8Array.of(FINISH);
  }

  /** Takes a message of the server. Throws ProtocolError. */
  receive(bytes: Uint8Array): SocketEvent[] {
    return this.reader.receive(bytes);
  }
}

/** What the server says in a call, in any pieces. */
export class CallReader {
  private readonly reader = new FrameReader(MOST_BYTES);
  private begun = false;
  private over = false;

  /** Takes bytes. Throws ProtocolError. */
  receive(bytes: Uint8Array): SocketEvent[] {
    const events: SocketEvent[] = [];
    for (const { flag, payload } of this.reader.feed(bytes)) {
      if (this.over) throw new ProtocolError("a frame after the trailers");
      if (flag === DATA) {
        events.push({ kind: "message", payload });
        this.begun = true;
        continue;
      }
      const fields = fieldsOf(payload);
      // The headers come the same way: what has no status begins, what has one ends.
      if (flag === TRAILERS && fields.has("grpc-status")) {
        this.over = true;
        events.push({ kind: "ended", status: statusOf(fields) });
      } else if (this.begun) {
        throw new ProtocolError("trailers without a status");
      }
      this.begun = true;
    }
    return events;
  }
}

function statusOf(fields: Map<string, string>): Ended {
  const code = Number(fields.get("grpc-status"));
  return {
    code: Number.isInteger(code) ? code : 2,
    message: decoded(fields.get("grpc-message") ?? ""),
    ...detailsOf(fields.get("grpc-status-details-bin") ?? ""),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not percent-encoded as it should be: better as it is than not at all.
    return text;
  }
}

function detailsOf(packed: string): Pick<Ended, "reason" | "retryMs"> {
  const found = { reason: "", retryMs: 0 };
  if (!packed) return found;
  try {
    const bytes = Uint8Array.from(atob(packed), (char) => char.charCodeAt(0));
    for (const { typeUrl, value } of fromBinary(StatusSchema, bytes).details) {
      if (typeUrl.endsWith("/google.rpc.ErrorInfo")) found.reason = fromBinary(ErrorInfoSchema, value).reason;
      if (typeUrl.endsWith("/google.rpc.RetryInfo")) found.retryMs = millisecondsOf(fromBinary(RetryInfoSchema, value));
    }
  } catch {
    // Details are an extra: the code says what to do.
  }
  return found;
}

function millisecondsOf({ retryDelay }: RetryInfo): number {
  return retryDelay ? Number(retryDelay.seconds) * 1000 + retryDelay.nanos / 1e6 : 0;
}
