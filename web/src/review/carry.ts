/** What goes along from one cut to the next: the moment, and how it is played and looked at. */
import type { FrameClock } from "../player/clock";
import type { Loop } from "../player/shuttle";
import type { Room } from "./room";

export interface Carry {
  asset: bigint;
  frame: number;
  /** When the frame is, counted from the first. */
  seconds: number;
  rate: number;
  playing: boolean;
  speed: number;
  loop: Loop;
}

/** What a room is left with. */
export function carryOf({ asset, player }: Room): Carry {
  const { clock } = player;
  const frame = player.frame.peek();
  return {
    asset: asset.assetId,
    frame,
    seconds: clock.start(frame) - clock.start(0),
    rate: clock.rate,
    playing: player.playing.peek(),
    speed: player.speed.peek(),
    loop: player.loop.peek(),
  };
}

/** The frame of another cut that is the same: of the same number where the rate is the same, else at the same time. */
export function frameOn(clock: FrameClock, carry: Pick<Carry, "frame" | "seconds" | "rate">): number {
  if (Math.abs(clock.rate - carry.rate) < 1e-6) return clock.clamp(carry.frame);
  return clock.within(clock.start(0) + carry.seconds + Math.min(clock.length(0), 1 / carry.rate) / 2);
}

/** Goes on in a room as in the one before. */
export function carryOn({ player }: Room, carry: Carry): void {
  player.loop.value = carry.loop;
  player.speed.value = carry.speed;
  if (carry.playing) player.play(carry.speed);
}
