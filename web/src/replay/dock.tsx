/** A session of the past beside the picture: what was seen and heard, a clock to go to any moment, what was said. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { projects } from "../app/api";
import { explain } from "../app/error";
import { person } from "../app/people";
import { navigate, reviewPath } from "../app/router";
import { Permission } from "../document";
import { RecordingState } from "../gen/rushes/signaling/v1/recording_pb";
import { replayed } from "../live/state";
import { t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { Avatar } from "../ui/person";
import { say } from "../ui/toast";
import { duration, exactly } from "../ui/when";
import { ReplayLayer } from "./layer";
import { recordings, Replay, type Clip } from "./replay";
import "../live/live.css";
import "../history/history.css";
import "./replay.css";

/** So far apart, in seconds, a video is taken to have lost its place. */
const ADRIFT_S = 0.25;
const KEPT_MS = 10_000;

let present: Replay | undefined;

/** The session of this page: it stays while one goes from cut to cut. */
function replayOf(project: bigint, id: string): Replay {
  if (present?.id === id) return present;
  present?.close();
  present = new Replay(project, id);
  present.start();
  return present;
}

export default function ReplayDock({ room }: { room: Room }): JSX.Element {
  const id = replayed.value;
  const [replay] = useState(() => replayOf(room.asset.projectId, id));
  useEffect(() => {
    replay.review(room);
    return () => replay.review(undefined);
  }, [replay, room]);
  useEffect(
    () =>
      replayed.subscribe((now) => {
        if (now !== replay.id && present === replay) {
          present = undefined;
          replay.close();
        }
      }),
    [replay],
  );
  return (
    <>
      <ReplayLayer room={room} replay={replay} />
      <aside class="live replay floating" aria-label={t("replay.title")} data-testid="replay" data-ready={replay.timeline.value !== undefined && replay.states.value !== undefined}>
        <header class="row">
          <Icon name="history" size={16} />
          <strong class="clip grow">{replay.title.value || t("replay.title")}</strong>
          <Button small look="quiet" icon="close" label={t("replay.close")} onClick={() => (replayed.value = "")} />
        </header>
        <Clips replay={replay} />
        <Keep room={room} replay={replay} />
        <People replay={replay} />
        <Transport replay={replay} />
        <Said replay={replay} />
      </aside>
    </>
  );
}

function Clips({ replay }: { replay: Replay }): JSX.Element {
  const clips = replay.clips.value;
  const failed = replay.recorded.value.find((each) => each.state === RecordingState.FAILED);
  const retry = (): void =>
    void recordings.retryRecordings({ projectId: replay.project, roomId: replay.id }).then(
      () => replay.lookAgain(),
      () => say({ title: t("live.refused"), look: "bad" }),
    );
  return (
    <>
      <div class="replay-clips" data-many={clips.length > 1}>
        {clips.map((clip) => (
          <ClipView key={clip.path} clip={clip} replay={replay} />
        ))}
      </div>
      {replay.waiting.value && <p class="dim" role="status">{t("replay.making")}</p>}
      {replay.timeline.value && clips.length === 0 && !replay.waiting.value && !failed && <p class="dim">{t("replay.notRecorded")}</p>}
      {failed && (
        <p class="dim row" role="alert">
          <span class="grow">{t("replay.recordingFailed", { why: failed.error })}</span>
          <Button small label={t("ui.again")} onClick={retry}>
            {t("ui.again")}
          </Button>
        </p>
      )}
    </>
  );
}

/** The video of all becomes an asset: once, however often it is asked for. */
function Keep({ room, replay }: { room: Room; replay: Replay }): JSX.Element | null {
  const [busy, setBusy] = useState(false);
  const whole = replay.clips.value.find((clip) => clip.whole);
  if (!whole || !room.has(Permission.UPLOAD)) return null;
  const keep = async (): Promise<void> => {
    setBusy(true);
    try {
      const name = t("replay.assetName", { title: replay.title.value || t("replay.title") });
      const { asset } = await projects.createAsset({ projectId: replay.project, videoId: whole.videoId, name, requestId: `recording-${whole.videoId}` });
      if (asset) say({ title: t("replay.kept"), action: { label: t("replay.openAsset"), run: () => navigate(reviewPath(String(asset.assetId))) }, stayMs: KEPT_MS });
    } catch (error) {
      say({ title: t("live.refused"), detail: explain(error), look: "bad" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button small disabled={busy} label={t("replay.keep")} onClick={() => void keep()}>
      {t("replay.keep")}
    </Button>
  );
}

function ClipView({ clip, replay }: { clip: Clip; replay: Replay }): JSX.Element {
  const element = useRef<HTMLVideoElement>(null);
  const [position, playing] = [replay.position.value, replay.playing.value];
  const atS = (position - clip.startMs) / 1000;
  const now = atS >= 0 && atS * 1000 <= clip.durationMs;
  useEffect(() => {
    const video = element.current;
    if (!video) return;
    const runs = playing && now;
    if (now && Math.abs(video.currentTime - atS) > (runs ? ADRIFT_S : 0.02) && !video.seeking) video.currentTime = atS;
    // A browser may not let it be heard before somebody clicked: it goes on being seen.
    if (runs && video.paused) video.play().catch(() => { video.muted = true; return video.play().catch(() => undefined); });
    if (!runs && !video.paused) video.pause();
  }, [atS, now, playing]);
  return <video ref={element} src={clip.path} hidden={!now && !clip.whole} data-whole={clip.whole} playsInline preload="auto" aria-label={clip.name} data-testid="replay-video" />;
}

function People({ replay }: { replay: Replay }): JSX.Element | null {
  const moment = replay.moment.value;
  if (!moment) return null;
  return (
    <div class="row replay-people" data-testid="replay-people">
      {moment.people.map((each) => (
        <span key={each.participantId} class="row clip" data-presents={each.participantId === moment.presenter} title={each.participantId === moment.presenter ? t("live.presents", { name: each.name }) : each.name}>
          <Avatar name={each.name} color={person(each.personId).color} />
          {each.hand && <Icon name="hand" size={13} />}
        </span>
      ))}
      {moment.presenter && <span class="dim clip grow">{t("live.presents", { name: replay.timeline.value?.names.get(moment.presenter) ?? "" })}</span>}
    </div>
  );
}

function Transport({ replay }: { replay: Replay }): JSX.Element {
  const { fromMs, toMs } = replay.span.value;
  const [position, playing] = [replay.position.value, replay.playing.value];
  const share = (ms: number): number => Math.min(1, Math.max(0, (ms - fromMs) / (toMs - fromMs)));
  return (
    <div class="replay-transport">
      <Button icon={playing ? "pause" : "play"} label={playing ? t("replay.pause") : t("replay.play")} onClick={() => replay.play(!playing)} />
      <div class="replay-bar grow">
        <input
          type="range"
          min={0}
          max={toMs - fromMs}
          step={10}
          value={position - fromMs}
          aria-label={t("replay.position")}
          aria-valuetext={duration((position - fromMs) / 1000)}
          onInput={(event) => replay.seek(fromMs + Number(event.currentTarget.value))}
        />
        {replay.timeline.value?.marks.map((mark) => mark.atMs >= fromMs && mark.atMs <= toMs && <i key={`${mark.kind}${mark.atMs}`} data-kind={mark.kind} style={{ left: `${share(mark.atMs) * 100}%` }} />)}
      </div>
      <span class="mono faint" title={exactly(position)} data-testid="replay-time">
        {duration((position - fromMs) / 1000)} / {duration((toMs - fromMs) / 1000)}
      </span>
      {!replay.following.value && (
        <Button small look="primary" label={t("replay.followAgain")} onClick={() => replay.seek(replay.position.peek())}>
          {t("replay.followAgain")}
        </Button>
      )}
    </div>
  );
}

function Said({ replay }: { replay: Replay }): JSX.Element | null {
  const said = replay.timeline.value?.said ?? [];
  const count = replay.moment.value?.said ?? 0;
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const lines = list.current;
    if (lines) lines.scrollTop = lines.scrollHeight;
  }, [count]);
  if (said.length === 0) return null;
  return (
    <div ref={list} class="chat-lines" role="log" aria-label={t("live.chat")}>
      {said.slice(0, count).map(({ ordinal, atMs, chat }) => (
        <p key={String(ordinal)}>
          <button type="button" class="faint mono replay-when" aria-label={t("replay.goTo")} onClick={() => replay.seek(atMs)}>
            {duration((atMs - replay.span.value.fromMs) / 1000)}
          </button>{" "}
          <strong>{chat.name}</strong> {chat.text}
        </p>
      ))}
    </div>
  );
}
