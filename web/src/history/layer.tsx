/** The past over the picture: it lies over the stage, so that nobody draws into what was. */
import { useEffect, useRef } from "preact/hooks";
import type { JSX, TargetedPointerEvent } from "preact";
import { paintCoats, type Coat } from "../canvas/coat";
import { isDrawn } from "../canvas/shape";
import { View } from "../canvas/view";
import { t } from "../messages";
import type { Room } from "../review/room";
import { differing, type Past } from "./past";
import type { Showing } from "./showing";
import "./history.css";

/** What is seen of the one side and of the other where they differ, and of what notes became since. */
const FIRST = "#ff4d4d";
const SECOND = "#3ddc84";
const GHOST_ALPHA = 0.3;

/** What is painted, one over the other. */
function coatsOf(past: Past, showing: Showing, frame: number): Coat[] {
  const here = past.on(past.states.value, frame).filter(isDrawn);
  const there = past.on(past.others.value, frame).filter(isDrawn);
  if (showing.kind !== "compare") return [{ list: there, tint: SECOND, alpha: GHOST_ALPHA }, { list: here, alpha: 1 }];
  const line = past.wipe.value;
  switch (showing.mode) {
    case "a":
      return [{ list: here, alpha: 1 }];
    case "b":
      return [{ list: there, alpha: 1 }];
    case "wipe":
      return [{ list: here, alpha: 1, clip: [0, line] }, { list: there, alpha: 1, clip: [line, 1] }];
    default: {
      const [gone, come] = differing(past.states.value, past.others.value);
      const same = showing.mode === "overlay" ? here.filter(({ id }) => !gone.has(id)) : [];
      return [
        { list: same, alpha: 1 },
        { list: here.filter(({ id }) => gone.has(id)), tint: FIRST, alpha: 0.8 },
        { list: there.filter(({ id }) => come.has(id)), tint: SECOND, alpha: 0.8 },
      ];
    }
  }
}

/** The layer; nothing while one looks at now. */
export function PastLayer({ room, past }: { room: Room; past: Past }): JSX.Element | null {
  const canvas = useRef<HTMLCanvasElement>(null);
  const showing = past.showing.value;
  const [frame, look, size] = [room.player.frame.value, room.look.value, room.stage.value];
  const shown = [past.states.value, past.others.value, past.author.value, past.wipe.value];
  useEffect(() => {
    if (!showing || !canvas.current) return;
    paintCoats(canvas.current, new View(size, room.picture, look), coatsOf(past, showing, frame));
  }, [showing, frame, look, size, ...shown]);
  if (!showing) return null;
  const drag = (event: TargetedPointerEvent<HTMLDivElement>): void => {
    if (event.buttons === 0) return;
    const box = event.currentTarget.getBoundingClientRect();
    past.wipe.value = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const wiping = showing.kind === "compare" && showing.mode === "wipe";
  return (
    <div class="past-layer" data-testid="past" onPointerDown={wiping ? drag : undefined} onPointerMove={wiping ? drag : undefined}>
      <canvas ref={canvas} data-testid="past-drawings" aria-label={t("history.past")} />
      {wiping && <i class="past-line" style={{ left: `${past.wipe.value * 100}%` }} />}
    </div>
  );
}
