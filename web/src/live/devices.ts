/** Which microphone and camera are used: chosen once, kept for the next session. */
import { signal } from "@preact/signals";
import { explain } from "../app/error";
import { t } from "../messages";

export type DeviceKind = "microphone" | "camera";

const KEY = "rushes.devices";
const NONE = { microphone: "", camera: "" };

function kept(): Record<DeviceKind, string> {
  try {
    const read = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Record<DeviceKind, unknown>>;
    const of = (kind: DeviceKind): string => (typeof read[kind] === "string" ? read[kind] : "");
    return { microphone: of("microphone"), camera: of("camera") };
  } catch {
    return NONE;
  }
}

/** Ids of the devices that were chosen; empty: whichever the browser takes. */
export const chosen = signal(kept());

export function choose(kind: DeviceKind, id: string): void {
  chosen.value = { ...chosen.peek(), [kind]: id };
  try {
    localStorage.setItem(KEY, JSON.stringify(chosen.peek()));
  } catch {
    // Where nothing may be kept, it is chosen anew the next time.
  }
}

/** What is asked of the browser. A device that is not there any more is another one's place. */
export function wanted(kind: DeviceKind): MediaStreamConstraints {
  const id = chosen.peek()[kind];
  const device = id === "" ? {} : { deviceId: { ideal: id } };
  if (kind === "microphone") return { audio: { echoCancellation: true, noiseSuppression: true, ...device } };
  return { video: { width: 1280, height: 720, frameRate: 25, ...device } };
}

export interface Device {
  id: string;
  name: string;
}

/** The devices of a kind; their names are known once one of them may be used. */
export async function devicesOf(kind: DeviceKind): Promise<Device[]> {
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = kind === "microphone" ? "audioinput" : "videoinput";
  return all.filter((each) => each.kind === of && each.deviceId !== "").map(({ deviceId, label }, at) => ({ id: deviceId, name: label || `${at + 1}` }));
}

const REFUSALS = {
  NotAllowedError: "live.deviceRefused",
  NotFoundError: "live.deviceMissing",
  OverconstrainedError: "live.deviceMissing",
  NotReadableError: "live.deviceBusy",
} as const;

function isRefusal(name: string): name is keyof typeof REFUSALS {
  return name in REFUSALS;
}

/** Why a camera, a microphone or a screen cannot be used, and what to do. */
export function explainDevice(error: unknown): string {
  if (error instanceof DOMException && isRefusal(error.name)) return t(REFUSALS[error.name]);
  return explain(error);
}

const FLOOR_DB = -60;

/** How loud samples of -1 to 1 are, from 0 (-60 dB or less) to 1. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibel = samples.length > 0 && sum > 0 ? 10 * Math.log10(sum / samples.length) : FLOOR_DB;
  return Math.max(0, Math.min(1, 1 - decibel / FLOOR_DB));
}

const SAMPLES = 1024;
const EVERY_MS = 66;

/** Tells how loud a track is, until it is ended. */
export function meter(track: MediaStreamTrack, tell: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: SAMPLES });
  const source = context.createMediaStreamSource(new MediaStream([track]));
  source.connect(analyser);
  const samples = new Float32Array(SAMPLES);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    tell(loudness(samples));
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    source.disconnect();
    void context.close();
  };
}
