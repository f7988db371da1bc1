/** The notes as they were, over the picture: nobody draws into a session that is over. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { isDrawn } from "../canvas/shape";
import { View } from "../canvas/view";
import { paintCoats } from "../canvas/coat";
import { t } from "../messages";
import type { Room } from "../review/room";
import type { Replay } from "./replay";

export function ReplayLayer({ room, replay }: { room: Room; replay: Replay }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const states = replay.states.value;
  const [frame, look, size] = [room.player.frame.value, room.look.value, room.stage.value];
  useEffect(() => {
    if (!canvas.current) return;
    const list = (states ?? []).map(({ annotation }) => annotation).filter((each) => room.onFrame(each, frame) && isDrawn(each));
    paintCoats(canvas.current, new View(size, room.picture, look), [{ list, alpha: 1 }]);
  }, [states, frame, look, size]);
  return (
    <div class="past-layer" data-testid="replay-layer">
      <canvas ref={canvas} data-testid="replay-drawings" aria-label={t("replay.drawings")} />
    </div>
  );
}
