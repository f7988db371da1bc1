/** The bar under the timeline: which part of it is in sight; dragged by its middle it moves, by its ends it grows. */
import type { JSX, TargetedPointerEvent } from "preact";
import type { Signal } from "@preact/signals";
import { t } from "../messages";
import type { Scale } from "./timeline_scale";

type Grip = "start" | "middle" | "end";

/** The part in sight after a grip was dragged by so many frames. */
export function dragged(scale: Scale, grip: Grip, frames: number): Scale {
  const end = scale.first + scale.visible;
  if (grip === "middle") return scale.spanning(scale.first + frames, end + frames);
  if (grip === "start") return scale.spanning(Math.max(0, Math.min(end - 1, scale.first + frames)), end);
  return scale.spanning(scale.first, Math.max(scale.first + 1, Math.min(scale.count, end + frames)));
}

/** The bar. */
export function TimelineBar({ scale, look }: { scale: Signal<Scale>; look: (scale: Scale) => void }): JSX.Element {
  const { first, visible, count, whole } = scale.value;
  const begin = (event: TargetedPointerEvent<HTMLElement>, grip: Grip): void => {
    event.stopPropagation();
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    const held = scale.peek();
    const width = handle.closest(".timeline-bar")?.clientWidth ?? 1;
    const move = (moving: PointerEvent): void => look(dragged(held, grip, ((moving.clientX - event.clientX) / width) * count));
    const end = (): void => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("lostpointercapture", end);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", end);
  };
  return (
    <div class="timeline-bar" data-whole={whole} data-testid="timeline-bar" title={t("player.timelinePart")} onDblClick={() => look(scale.peek().all())}>
      <div class="timeline-part" style={{ left: `${(first / count) * 100}%`, width: `${(visible / count) * 100}%` }} onPointerDown={(event) => begin(event, "middle")}>
        <i class="grip" onPointerDown={(event) => begin(event, "start")} />
        <i class="grip" onPointerDown={(event) => begin(event, "end")} />
      </div>
    </div>
  );
}
