/**
 * The service worker: the page itself is kept as it was built, and opens without a network; files of clips that one saw are kept
 * for whoever saw them. Answers of the services are not its business: the page keeps those, by person.
 */
import { answerMedia } from "./media";
import { PERSON_CACHE, SHELL_CACHE, type ToWorker } from "./message";
import type { Scope } from "./scope";

/** The files of this build, written in when it is built: paths, and a name of this build. */
declare const SHELL: { files: readonly string[]; version: string };

const worker = globalThis as unknown as Scope;
/** What is shown is kept by the name of its build: a new one does not touch it until it takes over. */
const INDEX = `/index.html?${SHELL.version}`;
const PERSON = "/person";
/** Places that are not of the page. */
const NOT_PAGE = /^\/(?:media|uploads|auth|healthz|readyz|metrics)(?:\/|$)|^\/rushes\./;
const KEPT_MEDIA = /^\/media\/\d+\/(?!original)[^/]+$/;

let person: Promise<string> | undefined;

async function readPerson(): Promise<string> {
  const kept = await (await caches.open(PERSON_CACHE)).match(PERSON);
  return kept ? kept.text() : "";
}

function personNow(): Promise<string> {
  person ??= readPerson();
  return person;
}

async function setPerson(personId: string): Promise<void> {
  person = Promise.resolve(personId);
  await (await caches.open(PERSON_CACHE)).put(PERSON, new Response(personId));
}

/** Fetches what of this build is not here yet: files whose names say what is in them do not change. */
async function install(): Promise<void> {
  const cache = await caches.open(SHELL_CACHE);
  const index = await fetch("/index.html", { cache: "no-cache" });
  if (!index.ok) throw new Error("the page is not there");
  await Promise.all(
    SHELL.files.map(async (path) => {
      if (path.startsWith("/assets/") && (await cache.match(path))) return;
      const answer = await fetch(path, { cache: path.startsWith("/assets/") ? "default" : "no-cache" });
      if (!answer.ok) throw new Error(`${path} is not there`);
      await cache.put(path, answer);
    }),
  );
  await cache.put(INDEX, index);
}

/** Gives up what is of other builds. */
async function activate(): Promise<void> {
  const cache = await caches.open(SHELL_CACHE);
  const mine = new Set([INDEX, ...SHELL.files]);
  for (const request of await cache.keys()) {
    const { pathname, search } = new URL(request.url);
    if (!mine.has(pathname + search)) await cache.delete(request);
  }
  await worker.clients.claim();
}

async function fromShell(key: string, request: Request): Promise<Response> {
  const kept = await (await caches.open(SHELL_CACHE)).match(key);
  return kept ?? fetch(request);
}

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));

worker.addEventListener("message", (event) => {
  const message = event.data as ToWorker;
  if (message.kind === "person") event.waitUntil(setPerson(message.personId));
  else event.waitUntil(worker.skipWaiting());
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== worker.location.origin) return;
  if (request.mode === "navigate") {
    if (!NOT_PAGE.test(pathname) && pathname !== "/worker.js") event.respondWith(fromShell(INDEX, request));
    return;
  }
  if (SHELL.files.includes(pathname)) return event.respondWith(fromShell(pathname, request));
  if (!KEPT_MEDIA.test(pathname)) return;
  event.respondWith(
    (async () => {
      const personId = await personNow();
      return personId === "" ? fetch(request) : answerMedia(request, personId, (work) => event.waitUntil(work));
    })(),
  );
});
