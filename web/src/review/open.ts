/** Opens a cut: what the video is, where its files are, what its frames are called, and the session on its notes. */
import { media } from "../app/api";
import { RenditionKind, VideoKind, type Rendition, type Video } from "../gen/rushes/media/v1/media_service_pb";
import type { Asset, Cut } from "../gen/rushes/project/v1/project_service_pb";
import { FrameClock, timesOf, type Rate } from "../player/clock";
import { Player } from "../player/player";
import { WaveformSource } from "../player/waveform_source";
import type { Labels } from "../player/timecode";
import { drainAll, openSession } from "../session/session";
import { Room, type FilmstripSource, type Source } from "./room";

function rateOf(video: Video): Rate {
  const [num, den] = [Number(video.rate?.num ?? 0n), Number(video.rate?.den ?? 0n)];
  return num > 0 && den > 0 ? { num, den } : { num: 25, den: 1 };
}

/** The clock of a video; of one of variable rate the times of its frames are read. */
async function clockOf(video: Video): Promise<FrameClock> {
  const rate = rateOf(video);
  const count = Math.max(1, video.frameCount);
  if (video.kind === VideoKind.STILL) return new FrameClock(1, rate);
  const { deltas, timeBase } = await media.getFrameTimes({ videoId: video.videoId });
  if (deltas.length === 0) return new FrameClock(count, rate);
  const base = { num: Number(timeBase?.num ?? 1n), den: Number(timeBase?.den ?? 1n) };
  return new FrameClock(deltas.length, rate, timesOf(deltas, base));
}

/** What a video's frames are called. */
export function labelsOf(video: Video, clock: FrameClock): Labels {
  return {
    rate: clock.exact,
    start: Number(video.startTimecode?.frames ?? 0n),
    dropFrame: video.startTimecode?.dropFrame ?? false,
    offset: video.displayOffset,
    ...(clock.uneven ? { seconds: (frame: number) => clock.start(frame), nearest: (seconds: number) => clock.at(seconds) } : {}),
  };
}

/** What is shown: the file made for review, else the one that was uploaded. */
export function sourceOf(video: Video, renditions: readonly Rendition[]): Source {
  const find = (kind: RenditionKind): Rendition | undefined => renditions.find((each) => each.kind === kind);
  const chosen = find(RenditionKind.REVIEW) ?? find(RenditionKind.ORIGINAL);
  const path = chosen?.path || `/media/${video.videoId}/review.mp4`;
  const still = video.kind === VideoKind.STILL || (chosen?.contentType ?? "").startsWith("image/");
  return { path, still };
}

/** The stills along the timeline, when there are any. */
export function filmstripOf(renditions: readonly Rendition[]): FilmstripSource | undefined {
  const strip = renditions.find((each) => each.kind === RenditionKind.FILMSTRIP);
  if (!strip || strip.tiles < 1 || strip.columns < 1 || !(strip.framesPerTile > 0)) return undefined;
  const { path, columns, tiles, framesPerTile, width, height } = strip;
  return { path, columns, tiles, framesPerTile, width, height };
}

/** How loud it is, when that is known. */
function waveformOf(renditions: readonly Rendition[]): WaveformSource | undefined {
  const found = renditions.find((each) => each.kind === RenditionKind.WAVEFORM);
  return found && new WaveformSource(found.path);
}

/** What a video shows, and what its frames are called. */
export interface Opened {
  video: Video;
  clock: FrameClock;
  labels: Labels;
  source: Source;
  renditions: readonly Rendition[];
}

/** Opens the picture of a video that is ready. */
export async function openPicture(video: Video): Promise<Opened> {
  const [clock, { renditions }] = await Promise.all([clockOf(video), media.listRenditions({ videoId: video.videoId })]);
  return { video, clock, labels: labelsOf(video, clock), source: sourceOf(video, renditions), renditions };
}

/** The room of a cut whose video is ready, on the frame that `start` says. */
export async function openRoom(asset: Asset, cut: Cut, video: Video, personId: string, start: (clock: FrameClock) => number): Promise<Room> {
  const { clock, labels, source, renditions } = await openPicture(video);
  const player = new Player(clock, video.hasSound);
  player.frame.value = clock.clamp(start(clock));
  const session = await openSession(Number(video.videoId), personId, () => player.frame.peek());
  const facts = { asset, cut, video, player, session, personId, labels, source };
  const room = new Room({ ...facts, filmstrip: filmstripOf(renditions), waveform: waveformOf(renditions) });
  session.start();
  // What other pages left of other videos goes out too, once this one is there; what cannot be read now stays for next time.
  drainAll(personId, Number(video.videoId)).catch(() => undefined);
  return room;
}
