/** A call with one question and many answers on the page's streams, as a loop: asked again where its way was lost, until it has ended. */
import { create, fromBinary, toBinary, type DescMessage, type DescMethodServerStreaming, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";
import { waitMs } from "./backoff";
import type { Ended } from "./socket";
import { Stream } from "./stream";

const OK = 0;
const CODES = new Map<number, Code>(
  Object.values(Code)
    .filter((each) => typeof each === "number")
    .map((each) => [each, each]),
);
const AWAY: number = Code.Unavailable;
/** A call lives as long as the token it came with; asked again it comes with a newer one. */
const EXPIRED = "TOKEN_EXPIRED";

type Step = { kind: "answer"; payload: Uint8Array } | { kind: "ended"; status: Ended } | { kind: "lost" };

/** What the service says in answer to a question that may be asked again. Throws ConnectError where it is refused. */
export async function* watch<I extends DescMessage, O extends DescMessage>(
  method: DescMethodServerStreaming<I, O>,
  question: MessageInitShape<I>,
  stop: AbortSignal,
): AsyncGenerator<MessageShape<O>> {
  const asked = toBinary(method.input, create(method.input, question));
  let failures = 0;
  while (!stop.aborted) {
    for await (const step of steps(`/${method.parent.typeName}/${method.name}`, asked, stop)) {
      if (step.kind === "answer") {
        failures = 0;
        yield fromBinary(method.output, step.payload);
      } else if (step.kind === "ended" && step.status.code !== AWAY && step.status.reason !== EXPIRED) {
        if (step.status.code === OK) return;
        throw errorOf(step.status);
      }
    }
    await pause(waitMs(++failures, Math.random()), stop);
  }
}

/** One call: its answers, then how it was over; nothing more once nobody asks. */
async function* steps(path: string, asked: Uint8Array, stop: AbortSignal): AsyncGenerator<Step> {
  const came: Step[] = [];
  let wake = (): void => undefined;
  const take = (step: Step): void => {
    came.push(step);
    wake();
  };
  const stream = new Stream(path, {
    opened: () => {
      stream.send(asked);
      stream.finish();
    },
    message: (payload) => take({ kind: "answer", payload }),
    ended: (status) => take({ kind: "ended", status }),
    lost: () => take({ kind: "lost" }),
  });
  const stopped = (): void => wake();
  stop.addEventListener("abort", stopped);
  try {
    while (!stop.aborted) {
      const step = came.shift();
      if (step) yield step;
      if (step && step.kind !== "answer") return;
      if (came.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stop.removeEventListener("abort", stopped);
    stream.close();
  }
}

function errorOf({ code, message, reason }: Ended): ConnectError {
  const details = reason ? [{ desc: ErrorInfoSchema, value: { reason } }] : [];
  return new ConnectError(message, CODES.get(code), undefined, details);
}

/** Waits so long, or until the browser has a network again, or nobody asks any more. */
function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return Promise.resolve();
  const over = new AbortController();
  return new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    stop.addEventListener("abort", () => resolve(), { signal: over.signal });
    addEventListener("online", () => resolve(), { signal: over.signal });
    over.signal.addEventListener("abort", () => clearTimeout(timer));
  }).finally(() => over.abort());
}
