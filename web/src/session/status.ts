/** What is said of saving and of the connection. Pure. */
import type { LinkState } from "./link";

export type Status =
  | { kind: "connecting" }
  | { kind: "saved" }
  | { kind: "saving"; pending: number }
  | { kind: "resumed" }
  | { kind: "reconnecting"; pending: number }
  | { kind: "offline"; pending: number }
  | { kind: "trouble"; message: string; pending: number }
  | { kind: "notSaved"; pending: number }
  | { kind: "readOnly" }
  | { kind: "signedOut"; pending: number }
  | { kind: "gone" }
  | { kind: "forbidden"; pending: number };

export interface Facts {
  link: LinkState;
  /** The browser says that it has a network. */
  online: boolean;
  pending: number;
  writable: boolean;
  /** Why nothing can be saved now; empty: it can. */
  trouble: string;
  /** It came back after a cut, a moment ago. */
  resumed: boolean;
}

/** The one thing to say. */
export function statusOf(facts: Facts): Status {
  const { link, pending } = facts;
  if (link.kind === "refused") return link.why === "gone" ? { kind: "gone" } : { kind: link.why, pending };
  if (link.kind !== "open") {
    if (!facts.online) return { kind: "offline", pending };
    if (link.kind === "connecting" && !link.again && pending === 0) return { kind: "connecting" };
    return { kind: "reconnecting", pending };
  }
  if (facts.trouble) return { kind: "trouble", message: facts.trouble, pending };
  if (!facts.writable) return pending > 0 ? { kind: "notSaved", pending } : { kind: "readOnly" };
  if (pending > 0) return { kind: "saving", pending };
  return facts.resumed ? { kind: "resumed" } : { kind: "saved" };
}

/** The middle of the last measurements: one slow answer says nothing. */
export class Latency {
  private readonly last: number[] = [];

  /** Takes one, gives the middle, in milliseconds. */
  add(milliseconds: number): number {
    this.last.push(milliseconds);
    if (this.last.length > 5) this.last.shift();
    return [...this.last].sort((a, b) => a - b)[this.last.length >> 1] ?? milliseconds;
  }
}
