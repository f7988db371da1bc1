/** The services behind the page, over gRPC-Web with the session's cookie. */
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { AnnotationService } from "../gen/rushes/annotation/v1/annotation_service_pb";
import { ExportService } from "../gen/rushes/media/v1/export_service_pb";
import { JobService } from "../gen/rushes/media/v1/job_service_pb";
import { MediaService } from "../gen/rushes/media/v1/media_service_pb";
import { SubtitleService } from "../gen/rushes/media/v1/subtitle_service_pb";
import { IdentityService } from "../gen/rushes/project/v1/identity_service_pb";
import { ProjectService } from "../gen/rushes/project/v1/project_service_pb";
import { VersionService } from "../gen/rushes/version/v1/version_service_pb";
import { isSignedOut } from "./error";
import { keepAnswers } from "./kept_answers";

const TIMEOUT_MS = 20_000;
let signedOut: () => void = () => undefined;
let reached: () => void = () => undefined;
let personId = "";

/** Whose answers they are from now on; empty: nobody's. */
export function answersAreOf(who: string): void {
  personId = who;
}

/** What is done when a call finds that the session has ended. */
export function onSignedOut(run: () => void): void {
  signedOut = run;
}

/** What is done when a call was answered. */
export function onReached(run: () => void): void {
  reached = run;
}

const noticeSignOut: Interceptor = (next) => async (request) => {
  try {
    const answer = await next(request);
    reached();
    return answer;
  } catch (error) {
    if (isSignedOut(error)) signedOut();
    throw error;
  }
};

// What is sent while the page goes is not to go with it.
let leaving = false;
addEventListener("pagehide", () => (leaving = true));
addEventListener("pageshow", () => (leaving = false));

/** For services that only a part of the page calls, fetched when it is needed. */
export const transport = createGrpcWebTransport({
  baseUrl: globalThis.location.origin,
  defaultTimeoutMs: TIMEOUT_MS,
  fetch: (input, init) => fetch(input, { ...init, credentials: "same-origin", keepalive: leaving }),
  interceptors: [keepAnswers(() => personId), noticeSignOut],
});

export const identity = createClient(IdentityService, transport);
export const projects = createClient(ProjectService, transport);
export const media = createClient(MediaService, transport);
export const exports = createClient(ExportService, transport);
export const jobs = createClient(JobService, transport);
export const annotations = createClient(AnnotationService, transport);
export const versions = createClient(VersionService, transport);
export const subtitles = createClient(SubtitleService, transport);

/** A new request_id: whatever is sent twice with the same is done once. */
export function requestId(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
