/** How one's pictures are encoded: chosen once, kept for the next session. */
import { signal } from "@preact/signals";

/** VP8, which every browser decodes, in three streams; or one stream of three sizes, which is less to encode and to send. */
export type Coding = "" | "VP9" | "AV1";

const KEY = "rushes.coding";
const ONE_BPS = 2_000_000;
const LAYERS: readonly RTCRtpEncodingParameters[] = [
  { rid: "h", maxBitrate: 1_500_000 },
  { rid: "m", maxBitrate: 600_000, scaleResolutionDownBy: 2 },
  { rid: "l", maxBitrate: 200_000, scaleResolutionDownBy: 4 },
];

type Codec = Pick<RTCRtpCodec, "mimeType">;

function kept(): Coding {
  try {
    const read = localStorage.getItem(KEY);
    return read === "VP9" || read === "AV1" ? read : "";
  } catch {
    return "";
  }
}

export const coding = signal<Coding>(kept());

export function chooseCoding(to: Coding): void {
  coding.value = to;
  try {
    localStorage.setItem(KEY, to);
  } catch {
    // Where nothing may be kept, it is chosen anew the next time.
  }
}

/** The codings that a browser has. */
export function codingsOf(codecs: readonly Codec[]): Coding[] {
  const one = (["VP9", "AV1"] as const).filter((each) => codecs.some(({ mimeType }) => mimeType === `video/${each}`));
  return ["", ...one];
}

/** What is encoded. Sizes need each other at keyframes alone, so that between them each is sent without the others. */
export function encodingsOf(wanted: Coding): RTCRtpEncodingParameters[] {
  if (wanted === "") return LAYERS.map((layer) => ({ ...layer }));
  return [{ maxBitrate: ONE_BPS, scalabilityMode: "L3T3_KEY" } as RTCRtpEncodingParameters];
}

/** The codecs with the one that is wanted first; undefined: as the browser likes. */
export function preferred<C extends Codec>(codecs: readonly C[], wanted: Coding): C[] | undefined {
  if (wanted === "") return undefined;
  const rank = ({ mimeType }: C): number => Number(mimeType !== `video/${wanted}`);
  return [...codecs].sort((a, b) => rank(a) - rank(b));
}
