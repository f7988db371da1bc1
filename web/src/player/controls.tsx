/** What is under the line: transport, read-out, speed, loop, volume, view. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { keysOf } from "../app/keys";
import { ZoomMenu } from "../canvas/zoom";
import { t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { Item, Menu } from "../ui/menu";
import { LookMenu } from "./look";
import { LOOPS, nextLoop, SPEEDS, type Loop } from "./shuttle";
import { SubtitleMenu } from "./subtitle";
import { frameMeant } from "./timecode";
import { say } from "../ui/toast";

function ReadOut({ room }: { room: Room }): JSX.Element {
  const { player, labels } = room;
  const editing = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  const frame = player.frame.value;
  const { number, timecode } = room.names(frame);
  const go = (): void => {
    const text = field.current?.value ?? "";
    editing.value = false;
    if (!text.trim()) return;
    const meant = frameMeant(text, labels, player.here);
    if (meant === undefined || meant < 0 || meant > player.clock.last) {
      say({ title: t("player.noSuchFrame", { text }), detail: t("player.frames", { first: room.names(0).number, last: room.names(player.clock.last).number }) });
      return;
    }
    room.release();
    player.seek(meant);
  };
  if (editing.value) {
    return (
      <input
        ref={(element) => {
          field.current = element;
          element?.focus();
        }}
        class="input mono read-out-field"
        aria-label={t("player.goTo")}
        placeholder={t("player.goToHint")}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.isComposing) go();
          if (event.key === "Escape") editing.value = false;
        }}
        onBlur={() => (editing.value = false)}
      />
    );
  }
  return (
    <button type="button" class="read-out mono" data-tip={t("player.goTo")} onClick={() => (editing.value = true)}>
      <output data-testid="timecode" aria-label={t("player.timecode")}>
        {timecode}
      </output>
      <span class="faint">
        <output data-testid="frame" data-frame={player.shown.value ? frame : ""} aria-label={t("player.frame")}>
          {number}
        </output>
        {" / "}
        {room.names(player.clock.last).number}
      </span>
    </button>
  );
}

function rateName(room: Room): string {
  const { rate, dropFrame } = room.labels;
  const number = Math.round((rate.num / rate.den) * 1000) / 1000;
  return `${number} fps${dropFrame ? " DF" : ""}${room.video.variableRate ? " VFR" : ""}`;
}

function Speed({ room }: { room: Room }): JSX.Element {
  const { player } = room;
  const speed = player.speed.value;
  return (
    <Menu label={t("player.speed")} face={<span class="mono">{`${speed < 0 ? "−" : ""}${Math.abs(speed)}×`}</span>}>
      {(close) =>
        SPEEDS.map((each) => (
          <Item
            key={each}
            checked={speed === each}
            onClick={() => {
              player.setSpeed(each);
              close();
            }}
          >
            {`${each}×`}
          </Item>
        ))
      }
    </Menu>
  );
}

function Volume({ room }: { room: Room }): JSX.Element | null {
  const { player } = room;
  if (!room.video.hasSound) return null;
  const muted = player.muted.value;
  return (
    <div class="row volume">
      <Button
        look="quiet"
        icon={muted ? "muted" : "volume"}
        label={muted ? t("player.unmute") : t("player.mute")}
        keys={keysOf("view.mute")}
        onClick={() => player.setMuted(!muted)}
      />
      <input
        type="range"
        min="0"
        max="1"
        step="0.02"
        aria-label={t("player.volume")}
        value={muted ? 0 : player.volume.value}
        onInput={(event) => player.setVolume(Number(event.currentTarget.value))}
      />
    </div>
  );
}

const LOOP_NAMES = { once: "player.once", loop: "player.loop", pingPong: "player.pingPong" } as const satisfies Record<Loop, string>;

function LoopButton({ room }: { room: Room }): JSX.Element {
  const { loop } = room.player;
  const now = loop.value;
  return (
    <Button
      look="quiet"
      icon={now === "pingPong" ? "pingPong" : "loop"}
      label={t(LOOP_NAMES[now])}
      keys={keysOf("play.loop")}
      pressed={now !== LOOPS[0]}
      testId="loop"
      onClick={() => (loop.value = nextLoop(now))}
    />
  );
}

/** Full screen, or out of it. */
export function toggleFull(): void {
  const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  done.catch(() => say({ title: t("player.noFull") }));
}

/** The row. */
export function Controls({ room }: { room: Room }): JSX.Element {
  const { player } = room;
  const moves = player.clock.count > 1;
  const own = (run: () => void) => (): void => {
    room.release();
    run();
  };
  return (
    <div class="controls" role="group" aria-label={t("player.controls")}>
      {moves && (
        <div class="row transport">
          <Button look="quiet" icon="first" label={t("player.first")} keys={keysOf("go.first")} onClick={own(() => player.seek(0))} />
          <Button look="quiet" icon="previous" label={t("player.back")} keys={keysOf("step.back")} onClick={own(() => player.step(-1))} />
          <Button
            look="plain"
            icon={player.playing.value ? "pause" : "play"}
            label={player.playing.value ? t("player.pause") : t("player.play")}
            keys={keysOf("play.toggle")}
            testId="play"
            onClick={own(() => player.toggle())}
          />
          <Button look="quiet" icon="next" label={t("player.on")} keys={keysOf("step.on")} onClick={own(() => player.step(1))} />
          <Button look="quiet" icon="last" label={t("player.last")} keys={keysOf("go.last")} onClick={own(() => player.seek(player.clock.last))} />
        </div>
      )}
      <ReadOut room={room} />
      {moves && <span class="faint rate">{rateName(room)}</span>}
      <span class="grow" />
      {moves && (
        <>
          <div class="row wide-only">
            <Button look="quiet" icon="inPoint" label={t("player.setIn")} keys={keysOf("range.in")} pressed={player.inPoint.value !== undefined} onClick={() => player.setIn()} />
            <Button look="quiet" icon="outPoint" label={t("player.setOut")} keys={keysOf("range.out")} pressed={player.outPoint.value !== undefined} onClick={() => player.setOut()} />
          </div>
          <Speed room={room} />
          <LoopButton room={room} />
        </>
      )}
      <Volume room={room} />
      {!room.source.still && <SubtitleMenu room={room} />}
      <LookMenu />
      <ZoomMenu room={room} />
      <Button look="quiet" icon="full" label={t("player.full")} keys={keysOf("view.full")} onClick={toggleFull} />
    </div>
  );
}
