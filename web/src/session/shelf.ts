/**
 * What was seen, in IndexedDB, by person: documents of clips and answers of services. It is there to open them without a network,
 * and is forgotten when the person signs out. Nothing that only is here matters: what is not saved yet is elsewhere (keep.ts).
 */
const NAME = "rushes-shelf";
const STORES = ["answers", "documents"] as const;
/** The oldest go when there are more. */
const MOST: Record<Store, number> = { answers: 600, documents: 60 };
const LONGEST_BYTES = 32 * 1024 * 1024;

export type Store = (typeof STORES)[number];

interface Row {
  personId: string;
  key: string;
  bytes: Uint8Array<ArrayBuffer>;
  savedMs: number;
}

let opening: Promise<IDBDatabase> | undefined;

function database(): Promise<IDBDatabase> {
  opening ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const name of STORES) {
        const store = request.result.createObjectStore(name, { keyPath: ["personId", "key"] });
        store.createIndex("savedMs", "savedMs");
      }
    };
    request.onsuccess = () => {
      request.result.onclose = () => (opening = undefined);
      resolve(request.result);
    };
    request.onerror = () => reject(request.error ?? new Error("no database"));
  });
  opening.catch(() => (opening = undefined));
  return opening;
}

async function run<T>(name: Store, mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await database();
  return new Promise<T>((resolve, reject) => {
    const transaction = db.transaction(name, mode);
    const request = work(transaction.objectStore(name));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("not kept"));
  });
}

/** Gives up the oldest beyond what a store holds. */
async function trim(name: Store): Promise<void> {
  const count = await run(name, "readonly", (store) => store.count());
  let left = count - MOST[name];
  if (left <= 0) return;
  const db = await database();
  const cursor = db.transaction(name, "readwrite").objectStore(name).index("savedMs").openCursor();
  cursor.onsuccess = () => {
    const row = cursor.result;
    if (!row || left-- <= 0) return;
    row.delete();
    row.continue();
  };
}

/** Of whom nothing is taken in: they were here and are not any more, and what they still had on the screen comes too late. */
const gone = new Set<string>();

/** Somebody is here: what they see is kept. */
export function keepShelf(personId: string): void {
  gone.delete(personId);
}

/** Puts something on the shelf. Where there is no room for it, it is not there later: nobody relies on it. */
export async function putAway(name: Store, personId: string, key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  if (personId === "" || gone.has(personId) || bytes.length > LONGEST_BYTES) return;
  const row: Row = { personId, key, bytes, savedMs: Date.now() };
  try {
    await run(name, "readwrite", (store) => store.put(row));
    await trim(name);
  } catch {
    // A full or closed database: see above.
  }
}

/** Takes a look at what is on the shelf. */
export async function lookUp(name: Store, personId: string, key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (personId === "") return undefined;
  try {
    const row = await run(name, "readonly", (store) => store.get([personId, key]) as IDBRequest<Row | undefined>);
    return row?.bytes;
  } catch {
    return undefined;
  }
}

/** Takes one thing off the shelf. */
export async function takeOff(name: Store, personId: string, key: string): Promise<void> {
  await run(name, "readwrite", (store) => store.delete([personId, key])).catch(() => undefined);
}

/** Forgets all that a person saw, and keeps no more of it until they are here again. */
export async function forgetShelf(personId: string): Promise<void> {
  gone.add(personId);
  const range = IDBKeyRange.bound([personId, ""], [personId, "\uffff"]);
  for (const name of STORES) await run(name, "readwrite", (store) => store.delete(range)).catch(() => undefined);
}
