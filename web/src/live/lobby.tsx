/** Before a live session: which microphone and camera, how one looks and whether one is heard. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../messages";
import { Button } from "../ui/button";
import { say } from "../ui/toast";
import { choose, chosen, devicesOf, explainDevice, meter, wanted, type Device, type DeviceKind } from "./devices";
import { chooseCoding, coding, codingsOf, type Coding } from "./encoding";

export interface On {
  microphone: boolean;
  camera: boolean;
}

interface LobbyProps {
  enter: (on: On) => void;
  leave: () => void;
}

/** The question whether to come in. Nothing is asked of the browser before somebody turns a device on. */
export function Lobby({ enter, leave }: LobbyProps): JSX.Element {
  const [on, setOn] = useState<On>({ microphone: false, camera: false });
  return (
    <aside class="live lobby floating" aria-label={t("live.title")} data-testid="live-lobby">
      <h2>{t("live.ask")}</h2>
      <p class="dim">{t("live.askDetail")}</p>
      <Trial kind="camera" on={on.camera} turn={(camera) => setOn((now) => ({ ...now, camera }))} />
      <Trial kind="microphone" on={on.microphone} turn={(microphone) => setOn((now) => ({ ...now, microphone }))} />
      <div class="row">
        <Button look="primary" label={t("live.join")} onClick={() => enter(on)}>
          {t("live.join")}
        </Button>
        <Button look="quiet" label={t("live.notNow")} onClick={leave}>
          {t("live.notNow")}
        </Button>
      </div>
    </aside>
  );
}

/** What of a device there is to be seen or heard; nothing while it is off. */
function useTrack(kind: DeviceKind, on: boolean, failed: () => void): MediaStreamTrack | undefined {
  const [track, setTrack] = useState<MediaStreamTrack>();
  const id = chosen.value[kind];
  useEffect(() => {
    if (!on) return;
    let over = false;
    let open: MediaStream | undefined;
    const stop = (): void => open?.getTracks().forEach((each) => each.stop());
    navigator.mediaDevices.getUserMedia(wanted(kind)).then(
      (stream) => {
        open = stream;
        if (over) stop();
        else setTrack(stream.getTracks()[0]);
      },
      (error: unknown) => {
        if (over) return;
        say({ title: t("live.noDevice"), detail: explainDevice(error), look: "bad" });
        failed();
      },
    );
    return () => {
      over = true;
      stop();
      setTrack(undefined);
    };
  }, [kind, on, id]);
  return track;
}

/** One device, tried before others see or hear it. */
function Trial({ kind, on, turn }: { kind: DeviceKind; on: boolean; turn: (on: boolean) => void }): JSX.Element {
  const track = useTrack(kind, on, () => turn(false));
  const label = kind === "camera" ? (on ? t("live.cameraOff") : t("live.cameraOn")) : on ? t("live.microphoneOff") : t("live.microphoneOn");
  const icon = kind === "camera" ? (on ? "camera" : "cameraOff") : on ? "microphone" : "microphoneOff";
  return (
    <div class="trial" data-testid={`trial-${kind}`}>
      {track && kind === "camera" && <Mirror track={track} />}
      <div class="row">
        <Button icon={icon} pressed={on} label={label} onClick={() => turn(!on)} />
        {track ? <Choose kind={kind} track={track} /> : <span class="dim">{label}</span>}
      </div>
      {track && kind === "microphone" && <Level track={track} />}
      {track && kind === "camera" && <ChooseCoding />}
    </div>
  );
}

const CODINGS = { "": "live.codingAll", VP9: "live.codingVp9", AV1: "live.codingAv1" } as const;

/** How pictures are sent, where the browser can do it otherwise. */
function ChooseCoding(): JSX.Element | null {
  const all = codingsOf(RTCRtpSender.getCapabilities("video")?.codecs ?? []);
  if (all.length < 2) return null;
  return (
    <select aria-label={t("live.coding")} value={coding.value} onChange={(event) => chooseCoding(event.currentTarget.value as Coding)}>
      {all.map((each) => (
        <option key={each} value={each}>
          {t(CODINGS[each])}
        </option>
      ))}
    </select>
  );
}

function Mirror({ track }: { track: MediaStreamTrack }): JSX.Element {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (element.current) element.current.srcObject = new MediaStream([track]);
  }, [track]);
  return <video ref={element} autoPlay muted playsInline data-mirrored={true} aria-label={t("live.mirror")} />;
}

/** Which of several. */
export function Choose({ kind, track }: { kind: DeviceKind; track: MediaStreamTrack | undefined }): JSX.Element | null {
  const [all, setAll] = useState<readonly Device[]>([]);
  useEffect(() => {
    const look = (): void => void devicesOf(kind).then(setAll, () => undefined);
    look();
    navigator.mediaDevices.addEventListener("devicechange", look);
    return () => navigator.mediaDevices.removeEventListener("devicechange", look);
  }, [kind, track]);
  if (all.length === 0) return null;
  const used = track?.getSettings().deviceId ?? chosen.value[kind];
  return (
    <select class="grow" aria-label={t(kind === "camera" ? "live.whichCamera" : "live.whichMicrophone")} value={used} onChange={(event) => choose(kind, event.currentTarget.value)}>
      {all.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}

function Level({ track }: { track: MediaStreamTrack }): JSX.Element {
  const [level, setLevel] = useState(0);
  useEffect(() => meter(track, setLevel), [track]);
  return <meter min={0} max={1} value={level} aria-label={t("live.level")} />;
}
