/** A look through a clip: moving over its card shows the stills of its filmstrip. */
import { useSignal } from "@preact/signals";
import type { JSX, TargetedPointerEvent } from "preact";
import { useRef } from "preact/hooks";
import { media } from "../app/api";
import { RenditionKind, type Rendition, type Video } from "../gen/rushes/media/v1/media_service_pb";
import { tileAt } from "./tile";

const REST_MS = 80;
const strips = new Map<bigint, Promise<Rendition | undefined>>();

async function read(video: bigint): Promise<Rendition | undefined> {
  const { renditions } = await media.listRenditions({ videoId: video });
  const strip = renditions.find((each) => each.kind === RenditionKind.FILMSTRIP);
  return strip && strip.tiles > 0 && strip.columns > 0 ? strip : undefined;
}

function stripOf(video: bigint): Promise<Rendition | undefined> {
  let found = strips.get(video);
  if (!found) {
    found = read(video).catch(() => undefined);
    strips.set(video, found);
    // It may be made yet: whoever comes again looks again.
    void found.then((strip) => (strip ? undefined : strips.delete(video)));
  }
  return found;
}

/** What lies over a poster. */
export function Strip({ video }: { video: Video }): JSX.Element {
  const strip = useSignal<Rendition | undefined>(undefined);
  const at = useSignal(-1);
  const timer = useRef(0);
  const move = (event: TargetedPointerEvent<HTMLDivElement>): void => {
    if (event.pointerType === "touch") return;
    const { left, width } = event.currentTarget.getBoundingClientRect();
    at.value = Math.min(1, Math.max(0, (event.clientX - left) / width));
    timer.current ||= window.setTimeout(() => void stripOf(video.videoId).then((found) => (strip.value = found)), REST_MS);
  };
  const leave = (): void => {
    clearTimeout(timer.current);
    timer.current = 0;
    at.value = -1;
  };
  const found = strip.value;
  const shown = found && at.value >= 0 ? tileAt(found, at.value) : undefined;
  const wide = found && shown ? found.width * shown.rows * 9 >= found.height * found.columns * 16 : false;
  return (
    <div class="strip" onPointerMove={move} onPointerLeave={leave} data-tile={shown?.tile}>
      {found && shown && (
        <>
          <div
            class="strip-tile"
            style={{
              aspectRatio: `${found.width * shown.rows} / ${found.height * found.columns}`,
              [wide ? "width" : "height"]: "100%",
              backgroundImage: `url("${found.path}")`,
              backgroundSize: shown.size,
              backgroundPosition: shown.position,
            }}
          />
          <i style={{ left: `${at.value * 100}%` }} />
        </>
      )}
    </div>
  );
}
