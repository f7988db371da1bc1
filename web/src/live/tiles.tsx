/** Those who are in a live room: pictures where there are some, sound, and what a moderator may do. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { person } from "../app/people";
import { ParticipantKind, ParticipantState, type Participant } from "../gen/rushes/signaling/v1/room_service_pb";
import { count, t } from "../messages";
import { Icon } from "../ui/icon";
import { Menu } from "../ui/menu";
import { Avatar } from "../ui/person";
import { layout } from "./layout";
import type { Live } from "./live";
import { useLines } from "./view";

const MOST_TILES = 10;

/** Those who are in. */
export function Tiles({ live }: { live: Live }): JSX.Element {
  const here = layout.value === "speaker" ? led(live.here.value, live.speaker.value) : live.here.value;
  return (
    <div class="tiles" data-many={here.length > 4}>
      {here.slice(0, MOST_TILES).map((each) => (
        <Tile key={each.participantId} live={live} who={each} />
      ))}
      {live.monitors.value.length > 0 && <span class="faint watching">{count("feed.watching", live.monitors.value.length)}</span>}
      {here.length > MOST_TILES && <span class="tile more">+{here.length - MOST_TILES}</span>}
      <Sounds live={live} />
    </div>
  );
}

/** Whoever speaks comes first. */
function led(here: readonly Participant[], speaker: string): readonly Participant[] {
  const first = here.find((each) => each.participantId === speaker);
  return first ? [first, ...here.filter((each) => each !== first)] : here;
}

function Tile({ live, who }: { live: Live; who: Participant }): JSX.Element {
  const mine = who.participantId === live.me.value;
  const track = mine ? live.call.mine.value : live.pictureOf(who.participantId);
  const seen = track !== undefined && (who.camera || who.screen) && !who.videoMuted;
  const signs = live.reactions.value.filter((each) => each.participant === who.participantId);
  const presents = live.presenter.value.participantId === who.participantId;
  const level = live.levelOf(who.participantId);
  const element = useRef<HTMLElement>(null);
  useLines(element, (lines) => live.sights.tell(who.participantId, lines));
  return (
    <figure ref={element} class="tile" data-testid="tile" data-who={who.name} data-seen={seen} data-presents={presents} data-away={who.state === ParticipantState.AWAY} style={{ "--level": level }}>
      {seen ? <Picture track={track} mirrored={mine && !who.screen} whole={who.screen} /> : <Avatar name={who.name} color={person(who.personId).color} />}
      <figcaption class="clip">
        {who.hand && <span class="raised" title={t("live.hand")}><Icon name="hand" size={13} /></span>}
        {(!who.microphone || who.audioMuted) && <span title={t("live.silent")}><Icon name="microphoneOff" size={13} /></span>}
        {mine ? t("live.you") : who.name}
      </figcaption>
      {signs.map((each) => (
        <span key={each.id} class="sign" aria-hidden="true">
          {each.emoji}
        </span>
      ))}
      {!mine && <Moderation live={live} who={who} />}
    </figure>
  );
}

function Moderation({ live, who }: { live: Live; who: Participant }): JSX.Element | null {
  const moderates = live.myself.value?.moderates ?? false;
  const hands = moderates || (live.presenting.value && who.kind !== ParticipantKind.PROGRAMME);
  if (!hands) return null;
  const moderate = (what: { case: "muteAudio" | "muteVideo" | "remove"; value: boolean }): void =>
    void live.ask({ case: "moderate", value: { participantId: who.participantId, what } });
  const handOver = (): void => void live.ask({ case: "present", value: { what: { case: "grant", value: who.participantId } } });
  return (
    <span class="tile-menu">
      <Menu icon="more" small label={t("live.about", { name: who.name })}>
        {(close) => (
          <div class="menu-list" onClick={close}>
            {who.kind !== ParticipantKind.PROGRAMME && <Choice label={t("live.handOver")} run={handOver} />}
            {moderates && <Choice label={who.audioMuted ? t("live.unmute") : t("live.mute")} run={() => moderate({ case: "muteAudio", value: !who.audioMuted })} />}
            {moderates && <Choice label={who.videoMuted ? t("live.showVideo") : t("live.hideVideo")} run={() => moderate({ case: "muteVideo", value: !who.videoMuted })} />}
            {moderates && <Choice label={t("live.remove")} run={() => moderate({ case: "remove", value: true })} />}
          </div>
        )}
      </Menu>
    </span>
  );
}

/** An entry of a menu. */
export function Choice({ label, run }: { label: string; run: () => void }): JSX.Element {
  return (
    <button type="button" role="menuitem" class="button quiet" onClick={run}>
      {label}
    </button>
  );
}

/** `whole`: nothing of it may be cut off, as of a screen. */
function Picture({ track, mirrored, whole }: { track: MediaStreamTrack; mirrored: boolean; whole: boolean }): JSX.Element {
  const element = useRef<HTMLVideoElement>(null);
  const stream = useMemo(() => new MediaStream([track]), [track]);
  useEffect(() => {
    if (element.current) element.current.srcObject = stream;
  }, [stream]);
  return <video ref={element} autoPlay muted playsInline data-mirrored={mirrored} data-whole={whole} />;
}

/** Sound of everybody: one element a slot, so that none is cut off by another. */
function Sounds({ live }: { live: Live }): JSX.Element {
  const slots = [...live.call.slots.value].filter(([mid]) => mid.startsWith("a"));
  return (
    <>
      {slots.map(([mid, track]) => (
        <Sound key={mid} track={track} />
      ))}
    </>
  );
}

function Sound({ track }: { track: MediaStreamTrack }): JSX.Element {
  const element = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    if (element.current) element.current.srcObject = new MediaStream([track]);
  }, [track]);
  return <audio ref={element} autoPlay />;
}
