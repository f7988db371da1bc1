/**
 * Work that is not known to be saved, in IndexedDB: it outlives a reload, a crash, a dead battery. Each page keeps its own under
 * a key of its own and holds a Web Lock of that name; whose lock is free, that page is gone, and its work may be taken over.
 */
import type { Stored } from "../document";

const NAME = "rushes";
const STORE = "pending";
const LOCK = "rushes-work:";

export interface Kept {
  key: string;
  videoId: number;
  personId: string;
  savedMs: number;
  stored: Stored;
}

let opening: Promise<IDBDatabase> | undefined;

function database(): Promise<IDBDatabase> {
  opening ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
    request.onsuccess = () => {
      request.result.onclose = () => (opening = undefined);
      resolve(request.result);
    };
    request.onerror = () => reject(request.error ?? new Error("no database"));
  });
  opening.catch(() => (opening = undefined));
  return opening;
}

async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await database();
  return new Promise<T>((resolve, reject) => {
    const transaction = db.transaction(STORE, mode, { durability: "strict" });
    const request = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("not kept"));
  });
}

/** Everything that is kept. */
export function readAll(): Promise<Kept[]> {
  return run("readonly", (store) => store.getAll() as IDBRequest<Kept[]>);
}

/** How many pieces of work wait, of whatever video. */
export async function pendingElsewhere(): Promise<number> {
  const all = await readAll();
  return all.reduce((sum, { stored }) => sum + stored.unsent.length + stored.sent.length, 0);
}

/** Takes the lock of a key for as long as `hold` lasts. Gives whether it was free. */
export async function lock(key: string, hold: Promise<void>): Promise<boolean> {
  if (!("locks" in navigator)) return false;
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(LOCK + key, { ifAvailable: true }, async (held) => {
        resolve(held !== null);
        if (held) await hold;
      })
      .catch(reject);
  });
}

/**
 * The place of one page's work. Writes follow each other; what is to be kept is asked for when a write begins, so that while one
 * is under way a burst of changes is serialised once.
 */
export class Keeper {
  private readonly released: () => void;
  readonly held: Promise<void>;
  private next: (() => Stored) | null | undefined;
  private writing: Promise<void> | undefined;
  private empty = true;

  constructor(
    readonly key: string,
    /** Whose work it is: nobody else takes it over. */
    private readonly personId: string,
    private readonly failed: (error: unknown) => void,
  ) {
    let release = (): void => undefined;
    this.held = new Promise((resolve) => (release = resolve));
    this.released = release;
  }

  /** Keeps what this gives; null: nothing is left to keep. */
  put(work: (() => Stored) | null): void {
    if (work === null && this.empty && !this.writing) return;
    this.next = work;
    this.writing ??= this.write().finally(() => (this.writing = undefined));
  }

  private async write(): Promise<void> {
    while (this.next !== undefined) {
      const work = this.next;
      this.next = undefined;
      try {
        if (work === null) await run("readwrite", (store) => store.delete(this.key));
        else {
          const record = this.record(work());
          await run("readwrite", (store) => store.put(record));
        }
        this.empty = work === null;
      } catch (error) {
        this.failed(error);
      }
    }
  }

  private record(stored: Stored): Kept {
    return { key: this.key, videoId: stored.videoId, personId: this.personId, savedMs: Date.now(), stored };
  }

  /** When all that was put is written. */
  async settled(): Promise<void> {
    while (this.writing) await this.writing;
  }

  /** The work was here before. */
  adopted(): void {
    this.empty = false;
  }

  /** Lets go of the lock. */
  async close(): Promise<void> {
    await this.settled();
    this.released();
  }
}

/** A new key, with its lock. */
export async function fresh(key: string, personId: string, failed: (error: unknown) => void): Promise<Keeper> {
  const keeper = new Keeper(key, personId, failed);
  await lock(key, keeper.held);
  return keeper;
}

export interface Orphan {
  kept: Kept;
  keeper: Keeper;
}

/** Takes over work of pages that are gone, of one person; of one video, or of all but one. */
export async function adopt(
  personId: string,
  which: (videoId: number) => boolean,
  failed: (error: unknown) => void,
): Promise<Orphan[]> {
  const orphans: Orphan[] = [];
  for (const kept of await readAll()) {
    if (kept.personId !== personId || !which(kept.videoId)) continue;
    const keeper = new Keeper(kept.key, personId, failed);
    if (!(await lock(kept.key, keeper.held))) continue;
    // It may have been sent and taken out between the reading and the lock.
    const now = await run("readonly", (store) => store.get(kept.key) as IDBRequest<Kept | undefined>);
    if (!now) {
      await keeper.close();
      continue;
    }
    keeper.adopted();
    orphans.push({ kept: now, keeper });
  }
  return orphans;
}
