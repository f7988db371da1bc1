/** Uploads by tus: several parts at once, paused and resumed, and gone on with after a reload when the file is given again. */
import { signal } from "@preact/signals";
import type { HttpRequest, PreviousUpload, Upload as TusUpload } from "tus-js-client";
import { projects, requestId } from "../app/api";
import { explain } from "../app/error";
import { t } from "../messages";
import { boundaries, Pace, planOf } from "./plan";

export type UploadState = "waiting" | "sending" | "paused" | "finishing" | "done" | "failed";

export interface Upload {
  id: number;
  name: string;
  sizeBytes: number;
  sentBytes: number;
  bytesPerSecond: number;
  state: UploadState;
  error: string;
  project: bigint;
  /** The asset that it is a cut of, once there is one; 0: none yet. */
  asset: bigint;
}

const AT_ONCE = 2;
const DONE_STAYS_MS = 20_000;
const RETRY_MS = [0, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000];

/** All of this page, the newest last. */
export const uploads = signal<readonly Upload[]>([]);
interface KeptUpload {
  name: string;
  project: string;
  request: string;
  /** Its number, once it has one. */
  video?: string;
}

const KEPT = "rushes-upload:";

function keptKey(file: File): string {
  return `${KEPT}${file.name}:${file.size}:${file.lastModified}`;
}

function readKept(key: string): KeptUpload | undefined {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? "null") as KeptUpload | null) ?? undefined;
  } catch {
    localStorage.removeItem(key);
    return undefined;
  }
}

/** Uploads that an earlier page began and did not finish, by key: the same file given again goes on where it was. */
export const interrupted = signal<ReadonlyMap<string, KeptUpload>>(allKept());

function allKept(): Map<string, KeptUpload> {
  const found = new Map<string, KeptUpload>();
  for (const key of Object.keys(localStorage)) {
    const kept = key.startsWith(KEPT) ? readKept(key) : undefined;
    if (kept) found.set(key, kept);
  }
  return found;
}

/** An upload that was interrupted is not asked for any more. */
export function forget(key: string): void {
  localStorage.removeItem(key);
  resumed(key);
}

function resumed(key: string): void {
  interrupted.value = new Map([...interrupted.value].filter(([other]) => other !== key));
}

/** Grows whenever an asset was made or got a cut, so that lists look again. */
export const landed = signal(0);

interface Work {
  file: File;
  pace: Pace;
  request: string;
  tus?: TusUpload;
  video: bigint;
  adding: boolean;
  target: bigint;
  folder: bigint;
  /** Frames a second that were chosen; empty: none were. */
  rate: string;
}

const works = new Map<number, Work>();
let last = 0;

function find(id: number): Upload | undefined {
  return uploads.value.find((upload) => upload.id === id);
}

function change(id: number, what: Partial<Upload>): void {
  uploads.value = uploads.value.map((upload) => (upload.id === id ? { ...upload, ...what } : upload));
}

/**
 * Sends files to a project, into a folder of it or none; with an asset, as cuts of it. `rate`: of what has none of its own.
 * Gives the numbers of the uploads.
 */
export function send(files: readonly File[], project: bigint, asset = 0n, folder = 0n, rate = ""): number[] {
  const added = files.map((file): Upload => {
    const id = ++last;
    works.set(id, { file, pace: new Pace(), request: requestId(), video: 0n, adding: false, target: asset, folder, rate });
    const start = { sentBytes: 0, bytesPerSecond: 0, state: "waiting" as const, error: "" };
    return { id, name: file.name, sizeBytes: file.size, project, asset, ...start };
  });
  uploads.value = [...uploads.value, ...added];
  next();
  return added.map(({ id }) => id);
}

const waitingFor = new Map<number, (asset: bigint) => void>();

/** Tells the asset of an upload once there is one. */
export function whenAdded(id: number, tell: (asset: bigint) => void): void {
  waitingFor.set(id, tell);
}

function next(): void {
  const busy = uploads.value.filter((upload) => upload.state === "sending").length;
  const waiting = uploads.value.filter((upload) => upload.state === "waiting");
  for (const upload of waiting.slice(0, Math.max(0, AT_ONCE - busy))) {
    change(upload.id, { state: "sending", error: "" });
    void begin(upload.id);
  }
}

async function begin(id: number): Promise<void> {
  const work = works.get(id);
  const upload = find(id);
  if (!work || !upload) return;
  try {
    work.tus ??= await make(id, work, upload);
    if (find(id)?.state === "sending") work.tus.start();
  } catch (error) {
    fail(id, explain(error));
  }
}

async function make(id: number, work: Work, upload: Upload): Promise<TusUpload> {
  const { Upload: Tus } = await import("tus-js-client");
  const plan = planOf(work.file.size);
  const metadata = { filename: work.file.name, project_id: String(upload.project), ...(work.rate && { rate: work.rate }) };
  const tus = new Tus(work.file, {
    endpoint: "/uploads",
    metadata,
    metadataForPartialUploads: metadata,
    parallelUploads: plan.parts,
    ...(plan.parts > 1 && { parallelUploadBoundaries: boundaries(work.file.size, plan.parts) }),
    chunkSize: plan.pieceBytes,
    retryDelays: RETRY_MS,
    removeFingerprintOnSuccess: true,
    onBeforeRequest: (request) => place(request, work),
    onProgress: (sent) => progress(id, sent),
    onAfterResponse: (_, response) => notice(id, response.getHeader("Rushes-Video-Id")),
    onError: (error) => fail(id, words(error)),
    onSuccess: () => void finish(id),
  });
  const previous = (await tus.findPreviousUploads()).find((each) => each.metadata["project_id"] === metadata.project_id);
  if (previous) resumeFrom(tus, previous, work);
  resumed(keptKey(work.file));
  keep(work, upload);
  return tus;
}

/** Says of a part that is created where in the file it belongs: so all are written in place and nothing is copied. */
function place(request: HttpRequest, work: Work): void {
  if (request.getMethod() !== "POST" || request.getHeader("Upload-Concat") !== "partial") return;
  const length = Number(request.getHeader("Upload-Length"));
  const part = boundaries(work.file.size, planOf(work.file.size).parts).find((each) => each.end - each.start === length);
  if (!part) return;
  const told = { group: work.request, at: String(part.start), total: String(work.file.size) };
  // A header that is set again is added to what is there.
  request.setHeader("Upload-Metadata", Object.entries(told).map(([name, value]) => `${name} ${btoa(value)}`).join(","));
}

function resumeFrom(tus: TusUpload, previous: PreviousUpload, work: Work): void {
  tus.resumeFromPreviousUpload(previous);
  const kept = readKept(keptKey(work.file));
  if (!kept) return;
  work.request = kept.request;
  if (kept.video && /^\d+$/.test(kept.video)) work.video = BigInt(kept.video);
}

function keep(work: Work, upload: Upload): void {
  const kept: KeptUpload = { name: upload.name, project: String(upload.project), request: work.request };
  localStorage.setItem(keptKey(work.file), JSON.stringify(work.video ? { ...kept, video: String(work.video) } : kept));
}

function progress(id: number, sent: number): void {
  const work = works.get(id);
  if (!work) return;
  work.pace.add(sent, performance.now());
  change(id, { sentBytes: sent, bytesPerSecond: work.pace.bytesPerSecond });
}

/** The video has its number: the asset is made at once, so that everybody sees it coming. */
function notice(id: number, header: string | undefined): void {
  const [work, upload] = [works.get(id), find(id)];
  if (!work || !upload || !header || !/^\d+$/.test(header) || work.video !== 0n) return;
  work.video = BigInt(header);
  keep(work, upload);
  void add(id);
}

async function add(id: number): Promise<boolean> {
  const work = works.get(id);
  const upload = find(id);
  if (!work || !upload || work.video === 0n) return false;
  if (work.adding) return true;
  work.adding = true;
  const request = { videoId: work.video, requestId: work.request };
  try {
    const { asset } = work.target
      ? await projects.addCut({ ...request, assetId: work.target })
      : await projects.createAsset({ ...request, projectId: upload.project, folderId: work.folder });
    change(id, { asset: asset?.assetId ?? 0n });
    landed.value++;
    if (asset) waitingFor.get(id)?.(asset.assetId);
    waitingFor.delete(id);
    return true;
  } catch (error) {
    work.adding = false;
    change(id, { error: explain(error) });
    return false;
  }
}

async function finish(id: number): Promise<void> {
  const work = works.get(id);
  if (!work) return;
  change(id, { state: "finishing", sentBytes: work.file.size });
  localStorage.removeItem(keptKey(work.file));
  const added = await add(id);
  if (added) {
    change(id, { state: "done", error: "" });
    setTimeout(() => dismiss(id), DONE_STAYS_MS);
  } else fail(id, find(id)?.error || t("upload.nameless"));
  landed.value++;
  next();
}

function words(error: Error): string {
  const response = (error as { originalResponse?: { getStatus(): number; getBody(): string } | null }).originalResponse;
  if (!response) return t("upload.cut");
  try {
    const body = JSON.parse(response.getBody()) as { message?: unknown };
    if (typeof body.message === "string") return body.message;
  } catch {
    // The answer is not one of ours: what is known is its number.
  }
  return t("upload.refused", { status: response.getStatus() });
}

function fail(id: number, error: string): void {
  const state = find(id)?.state;
  if (state === "paused" || state === undefined) return;
  change(id, { state: "failed", error, bytesPerSecond: 0 });
  next();
}

/** Stops sending; what is there stays there. */
export function pause(id: number): void {
  const work = works.get(id);
  change(id, { state: "paused", bytesPerSecond: 0 });
  work?.pace.clear();
  void work?.tus?.abort();
  next();
}

/** Goes on, also after a failure. */
export function resume(id: number): void {
  works.get(id)?.pace.clear();
  change(id, { state: "waiting", error: "" });
  next();
}

/** Gives an upload up: what was sent is thrown away. */
export function cancel(id: number): void {
  const work = works.get(id);
  if (work) {
    localStorage.removeItem(keptKey(work.file));
    work.tus?.abort(true).catch(() => undefined);
  }
  dismiss(id);
  next();
}

/** Takes it out of the list. */
export function dismiss(id: number): void {
  works.delete(id);
  waitingFor.delete(id);
  uploads.value = uploads.value.filter((upload) => upload.id !== id);
}

/** Whether leaving the page would cut something. */
export function busy(): boolean {
  return uploads.value.some((upload) => upload.state === "sending" || upload.state === "waiting" || upload.state === "finishing");
}

addEventListener("online", () => {
  for (const upload of uploads.value) if (upload.state === "failed") resume(upload.id);
});
addEventListener("beforeunload", (event) => {
  if (busy()) event.preventDefault();
});
