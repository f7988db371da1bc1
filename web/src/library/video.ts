/** What is known of videos: asked for when something shows it, and again while it is being made. */
import { signal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { media } from "../app/api";
import { isNotFound } from "../app/error";
import { VideoState, type Video } from "../gen/rushes/media/v1/media_service_pb";

const AGAIN_MS = 1000;
const AFTER_FAILURE_MS = 5000;
const AT_ONCE = 4;
/** Of a card that only flies by nothing is asked. */
export const REST_MS = 120;

interface Entry {
  video: Signal<Video | undefined>;
  watchers: number;
  timer: number;
  asking: boolean;
}

const entries = new Map<bigint, Entry>();
const queue: bigint[] = [];
let running = 0;

function entry(id: bigint): Entry {
  let found = entries.get(id);
  if (!found) {
    found = { video: signal(undefined), watchers: 0, timer: 0, asking: false };
    entries.set(id, found);
  }
  return found;
}

/** Whether nothing about it changes any more. */
export function settled(video: Video | undefined): boolean {
  return video?.state === VideoState.READY || video?.state === VideoState.FAILED;
}

function ask(id: bigint): void {
  const found = entry(id);
  if (found.asking) return;
  found.asking = true;
  queue.push(id);
  pump();
}

function pump(): void {
  while (running < AT_ONCE) {
    const id = queue.pop();
    if (id === undefined) return;
    if (entry(id).watchers === 0) {
      entry(id).asking = false;
      continue;
    }
    running++;
    void read(id).finally(() => {
      running--;
      pump();
    });
  }
}

async function read(id: bigint): Promise<void> {
  const found = entry(id);
  let againMs = AGAIN_MS;
  try {
    const { video } = await media.getVideo({ videoId: id });
    if (video) found.video.value = video;
    if (settled(video)) againMs = 0;
  } catch (error) {
    // A card without facts is still a card; what is there may be readable later.
    againMs = isNotFound(error) ? 0 : AFTER_FAILURE_MS;
  }
  found.asking = false;
  if (againMs > 0 && found.watchers > 0) found.timer = window.setTimeout(() => ask(id), againMs);
}

/** Looks again now, such as after a new try. */
export function refresh(id: bigint): void {
  clearTimeout(entry(id).timer);
  ask(id);
}

/** The video, kept up to date while the component is there; 0: none. What is not known is asked for once it was there for `restMs`. */
export function useVideo(id: bigint, restMs = 0): Video | undefined {
  const found = entry(id);
  useEffect(() => {
    if (id === 0n) return;
    found.watchers++;
    const rest = settled(found.video.peek()) ? 0 : window.setTimeout(() => ask(id), found.video.peek() ? 0 : restMs);
    return () => {
      clearTimeout(rest);
      found.watchers--;
      if (found.watchers === 0) clearTimeout(found.timer);
    };
  }, [id, found]);
  return found.video.value;
}
