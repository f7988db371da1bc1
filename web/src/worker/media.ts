/**
 * What a person saw, kept as it went by: pieces of the files of clips, in a cache of that person. The network answers while
 * there is one, so that rights always count; what is kept answers when there is none.
 */
import { mediaCache } from "./message";
import { Cutter, PIECE_BYTES, pieceBytes, spanAnswered, spanOf, tooMany, type Facts, type Span } from "./pieces";

/** At most so much is kept, and at most this share of what the browser gives. */
const MOST_BYTES = 1024 ** 3;
const SHARE = 0.4;
/** Facts are written again after so many pieces: a worker may be ended at any time. */
const WRITE_EVERY = 16;
const GONE: ReadonlySet<number> = new Set([401, 403, 404, 410]);
const AWAY: ReadonlySet<number> = new Set([502, 503, 504]);

function pieceKey(path: string, index: number): string {
  return `${path}?piece=${index}`;
}

function factsKey(path: string): string {
  return `${path}?facts`;
}

async function readFacts(cache: Cache, path: string): Promise<Facts | undefined> {
  const found = await cache.match(factsKey(path));
  return found ? ((await found.json()) as Facts) : undefined;
}

async function writeFacts(cache: Cache, facts: Facts): Promise<void> {
  await cache.put(factsKey(facts.path), new Response(JSON.stringify(facts)));
}

async function drop(cache: Cache, { path, sizeBytes }: Facts): Promise<void> {
  const pieces = Array.from({ length: Math.ceil(sizeBytes / PIECE_BYTES) }, (_, index) => cache.delete(pieceKey(path, index)));
  await Promise.all([...pieces, cache.delete(factsKey(path))]);
}

async function allFacts(cache: Cache): Promise<Facts[]> {
  const keys = (await cache.keys()).filter(({ url }) => url.endsWith("?facts"));
  const found = await Promise.all(keys.map((key) => cache.match(key)));
  return Promise.all(found.flatMap((response) => (response ? [response.json() as Promise<Facts>] : [])));
}

async function makeRoom(cache: Cache, but: string): Promise<void> {
  const { quota = Infinity } = await navigator.storage.estimate();
  for (const facts of tooMany(await allFacts(cache), Math.min(MOST_BYTES, quota * SHARE), but)) await drop(cache, facts);
}

/** Keeps the pieces of one answer as they come. What cannot be kept is not: the picture matters more. */
class Recorder {
  private readonly cutter: Cutter;
  private work = Promise.resolve();
  private unwritten = 0;
  private failed = false;

  constructor(
    private readonly cache: Cache,
    private readonly facts: Facts,
    begin: number,
  ) {
    this.cutter = new Cutter(begin, facts.sizeBytes);
  }

  take(bytes: Uint8Array): void {
    for (const { index, bytes: piece } of this.cutter.take(bytes)) this.then(() => this.keep(index, piece));
  }

  async done(): Promise<void> {
    this.then(() => writeFacts(this.cache, this.facts));
    this.then(() => makeRoom(this.cache, this.facts.path));
    await this.work;
  }

  private then(run: () => Promise<void>): void {
    this.work = this.work.then(async () => {
      if (!this.failed) await run();
    });
    this.work = this.work.catch(() => {
      this.failed = true;
    });
  }

  private async keep(index: number, piece: Uint8Array<ArrayBuffer>): Promise<void> {
    const key = pieceKey(this.facts.path, index);
    if (await this.cache.match(key)) return;
    await this.cache.put(key, new Response(piece));
    this.facts.keptBytes += piece.length;
    if (++this.unwritten % WRITE_EVERY === 0) await writeFacts(this.cache, this.facts);
  }
}

/** The bytes of a stream, read by whoever wants them and no further: nothing is fetched for the sake of keeping it. */
function tapped(body: ReadableStream<Uint8Array>, take: (bytes: Uint8Array) => void, done: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(out) {
        try {
          const { value, done: over } = await reader.read();
          if (over) {
            done();
            return out.close();
          }
          take(value);
          out.enqueue(value);
        } catch (error) {
          done();
          out.error(error);
        }
      },
      async cancel(reason) {
        done();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** The answer, with what goes by kept. `later` holds the worker until it is. */
async function recorded(cache: Cache, path: string, answer: Response, later: (work: Promise<unknown>) => void): Promise<Response> {
  const { status, statusText, headers } = answer;
  const span = spanAnswered(status, headers.get("content-range"), headers.get("content-length"));
  const etag = headers.get("etag") ?? "";
  if (!span || !etag || !answer.body) return answer;
  const before = await readFacts(cache, path);
  if (before && before.etag !== etag) await drop(cache, before);
  const keptBytes = before?.etag === etag ? before.keptBytes : 0;
  const contentType = headers.get("content-type") ?? "";
  const facts: Facts = { path, etag, contentType, sizeBytes: span.sizeBytes, keptBytes, usedMs: Date.now() };
  const recorder = new Recorder(cache, facts, span.begin);
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  later(ended.then(() => recorder.done()));
  return new Response(tapped(answer.body, (bytes) => recorder.take(bytes), end), { status, statusText, headers });
}

/** As many of the pieces of a span as are there one after the other; undefined: not even the first. */
async function keptSpan(cache: Cache, { path, sizeBytes }: Facts, wanted: Span): Promise<Span | undefined> {
  let index = Math.floor(wanted.begin / PIECE_BYTES);
  let end = wanted.begin;
  while (end < wanted.end && (await cache.match(pieceKey(path, index)))) {
    end = Math.min(wanted.end, index * PIECE_BYTES + pieceBytes(index, sizeBytes));
    index++;
  }
  return end > wanted.begin ? { begin: wanted.begin, end } : undefined;
}

function streamOf(cache: Cache, path: string, { begin, end }: Span): ReadableStream<Uint8Array> {
  let at = begin;
  return new ReadableStream<Uint8Array>({
    async pull(out) {
      const index = Math.floor(at / PIECE_BYTES);
      const found = await cache.match(pieceKey(path, index));
      if (!found) return out.error(new Error("it was given up meanwhile"));
      const bytes = new Uint8Array(await found.arrayBuffer());
      const from = at - index * PIECE_BYTES;
      const part = bytes.subarray(from, Math.min(bytes.length, end - index * PIECE_BYTES));
      at += part.length;
      out.enqueue(part);
      if (at >= end || part.length === 0) out.close();
    },
  });
}

/** The answer from what is kept; undefined: it cannot be given. */
async function keptAnswer(cache: Cache, path: string, range: string | null): Promise<Response | undefined> {
  const facts = await readFacts(cache, path);
  const wanted = facts && spanOf(range, facts.sizeBytes);
  const span = wanted && (await keptSpan(cache, facts, wanted));
  if (!span || (range === null && span.end < facts.sizeBytes)) return undefined;
  const headers = new Headers({
    "content-type": facts.contentType,
    "content-length": String(span.end - span.begin),
    "accept-ranges": "bytes",
    etag: facts.etag,
  });
  if (range !== null) headers.set("content-range", `bytes ${span.begin}-${span.end - 1}/${facts.sizeBytes}`);
  return new Response(streamOf(cache, path, span), { status: range === null ? 200 : 206, headers });
}

/** Answers a request for a file of a clip, for the person who is signed in. */
export async function answerMedia(request: Request, personId: string, later: (work: Promise<unknown>) => void): Promise<Response> {
  const cache = await caches.open(mediaCache(personId));
  const { pathname } = new URL(request.url);
  const kept = (): Promise<Response | undefined> => keptAnswer(cache, pathname, request.headers.get("range"));
  try {
    const answer = await fetch(request);
    if (GONE.has(answer.status)) {
      const facts = await readFacts(cache, pathname);
      if (facts) await drop(cache, facts);
    }
    if (AWAY.has(answer.status)) return (await kept()) ?? answer;
    return await recorded(cache, pathname, answer, later);
  } catch (error) {
    const answer = await kept();
    if (answer) return answer;
    throw error;
  }
}
