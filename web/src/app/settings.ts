/** What a person keeps for themselves in the service: read once, changed here at once, and written a moment later. */
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { Code, ConnectError } from "@connectrpc/connect";
import { identity, requestId } from "./api";
import { me } from "./auth";
import { reasonOf } from "./error";

export interface Kept<T> {
  /** What it is now; undefined: not read yet. */
  readonly value: ReadonlySignal<T | undefined>;
  /** Changes it; done again on what another page wrote meanwhile. */
  change(next: (now: T) => T): void;
}

const WRITE_AFTER_MS = 50;
const AGAIN_AFTER_MS = 5000;

interface Access {
  read(name: string): Promise<{ text: string; etag: string }>;
  /** The new etag; undefined: somebody else wrote in between. */
  write(name: string, text: string, etag: string): Promise<string | undefined>;
}

const service: Access = {
  async read(name) {
    const { settings } = await identity.getSettings({ names: [name] });
    return { text: settings[0]?.valueJson ?? "", etag: settings[0]?.etag ?? "0" };
  },
  async write(name, text, etag) {
    try {
      const { setting } = await identity.updateSettings({ setting: { name, valueJson: text, etag }, requestId: requestId() });
      return setting?.etag ?? "0";
    } catch (error) {
      if (ConnectError.from(error).code === Code.Aborted) return undefined;
      throw error;
    }
  },
};

/** One setting: what waits to be written is kept as changes, so that two pages do not undo each other's. */
export class Keeper<T> implements Kept<T> {
  readonly value: Signal<T | undefined> = signal(undefined);
  private base: T | undefined;
  private etag = "";
  private waiting: ((now: T) => T)[] = [];
  private busy = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly name: string,
    private readonly parse: (raw: unknown) => T,
    private readonly access: Access = service,
  ) {}

  change(next: (now: T) => T): void {
    this.waiting.push(next);
    if (this.base !== undefined) this.value.value = this.applied(this.base);
    this.later(WRITE_AFTER_MS);
  }

  /** Reads what is there; what waits is done on it. */
  async load(): Promise<void> {
    const { text, etag } = await this.access.read(this.name);
    this.base = this.parse(parsed(text));
    this.etag = etag;
    this.value.value = this.applied(this.base);
  }

  /** Writes what waits now. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.busy || this.waiting.length === 0) return;
    this.busy = true;
    try {
      if (this.base === undefined) await this.load();
      await this.write();
    } catch (error) {
      // What will never be taken is not sent for ever; it stays on this page.
      if (isFinal(error)) this.waiting = [];
      else this.later(AGAIN_AFTER_MS);
    }
    this.busy = false;
    if (this.waiting.length > 0) this.later(AGAIN_AFTER_MS);
  }

  private async write(): Promise<void> {
    for (let tries = 0; tries < 3 && this.base !== undefined && this.waiting.length > 0; tries++) {
      const count = this.waiting.length;
      const next = this.applied(this.base);
      const etag = await this.access.write(this.name, JSON.stringify(next), this.etag);
      if (etag === undefined) await this.load();
      else {
        this.base = next;
        this.etag = etag;
        this.waiting.splice(0, count);
      }
    }
  }

  private applied(base: T): T {
    return this.waiting.reduce((now, change) => change(now), base);
  }

  private later(waitMs: number): void {
    this.timer ??= setTimeout(() => void this.flush(), waitMs);
  }
}

function isFinal(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.InvalidArgument || code === Code.Unauthenticated || reasonOf(error) === "SETTINGS_FULL";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text || "null");
  } catch {
    return null;
  }
}

const keepers = new Map<string, Keeper<unknown>>();

/** A setting of who is signed in. `parse` makes of whatever is kept (null: nothing) what the page works with. */
export function kept<T>(name: string, parse: (raw: unknown) => T): Kept<T> {
  const key = `${me.peek()?.personId ?? ""} ${name}`;
  const found = keepers.get(key) as Keeper<T> | undefined;
  if (found) return found;
  const made = new Keeper(name, parse);
  keepers.set(key, made as Keeper<unknown>);
  made.load().catch(() => undefined);
  return made;
}

addEventListener("pagehide", () => {
  for (const keeper of keepers.values()) void keeper.flush();
});
