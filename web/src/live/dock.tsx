/** The live room beside the picture: tiles of those who are seen, what one can do, chat. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { identity, requestId } from "../app/api";
import { explain } from "../app/error";
import { navigate, reviewPath, route } from "../app/router";
import { Permission } from "../document";
import { ParticipantState, RoomRole } from "../gen/rushes/signaling/v1/room_service_pb";
import { may } from "../library/store";
import { said, t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { Menu } from "../ui/menu";
import { say } from "../ui/toast";
import { rooms } from "./begin";
import { explainDevice } from "./devices";
import { Groups, SplitBar } from "./groups";
import { Feeds } from "./feeds";
import { Live } from "./live";
import { Lobby, type On } from "./lobby";
import { People } from "./people";
import { placeIn } from "./place";
import { PollForm, PollList } from "./pollpanel";
import { Invitation, RoomForm, type Terms } from "./roomform";
import { layout, Layouts } from "./layout";
import type { LiveOptions } from "./options";
import { liveRoom, replayed } from "./state";
import { Choice, Tiles } from "./tiles";
import { makeWhiteboard } from "./whiteboard";
import "./live.css";

/** A link for guests leads in for a day. */
const GUEST_S = 86_400n;
const SIGNS = ["👍", "👏", "❤️", "😂", "🎬", "❓"];

let present: Live | undefined;

/** The room that this page is in already. */
function goingOn(id: string): Live | undefined {
  return present?.id === id && present.state.peek() !== "over" ? present : undefined;
}

/** The room of this page: it stays while one goes from cut to cut. */
function liveOf(project: bigint, id: string, on?: On): Live {
  const going = goingOn(id);
  if (going) return going;
  leave(present);
  const place = placeIn(id) ?? (on && { room: id, participant: "", parent: "", ...on });
  return begin({ project, room: id, parent: place?.parent ?? "", place, sending: undefined });
}

function begin(options: Omit<LiveOptions, "go">): Live {
  const live = new Live({ ...options, go: (to, asset) => move(live, options.project, to, asset) });
  present = live;
  live.start();
  return live;
}

/** What the page showed before it went to a breakout with a clip of its own; empty: it stayed. */
let leftAsset = "";

/** Out of a session altogether: the next one was nowhere before. */
function leave(live: Live | undefined): void {
  present = undefined;
  leftAsset = "";
  live?.stop();
}

/** From a room to one of its breakouts, or back: what is on stays on, and the page shows what is looked at there. */
function move(from: Live, project: bigint, to: string, asset: bigint): void {
  const along = from.goAlong(to);
  liveRoom.value = to;
  from.stop();
  begin({ project, room: to, parent: to === from.main ? "" : from.main, ...along });
  const place = route.peek();
  if (place.name !== "review") return;
  const wanted = asset !== 0n ? String(asset) : leftAsset;
  leftAsset = asset !== 0n ? leftAsset || place.asset : "";
  if (wanted !== "" && place.asset !== wanted) navigate(reviewPath(wanted, undefined, 0, undefined, { live: to }));
}

/** The room, or the question whether to come in. */
export default function LiveDock({ room }: { room: Room }): JSX.Element | null {
  const id = liveRoom.value;
  const [entered, setLive] = useState(() => goingOn(id) ?? (placeIn(id) && liveOf(room.asset.projectId, id)));
  // A breakout was entered by no click here: why it let nobody in is said all the same.
  const live = goingOn(id) ?? [present, entered].find((each) => each?.id === id && (each === entered || each.why.peek() !== undefined));
  useEffect(() => {
    live?.review(room);
    return () => live?.review(undefined);
  }, [live, room]);
  if (id === "") return null;
  const enter = (on: On): void => {
    setLive(liveOf(room.asset.projectId, id, on));
  };
  if (!live) return <Lobby enter={enter} leave={() => (liveRoom.value = "")} />;
  if (live.state.value === "over") return <Over live={live} close={() => { leave(undefined); setLive(undefined); liveRoom.value = ""; }} />;
  return <Dock live={live} room={room} leave={() => { setLive(undefined); leave(live); }} />;
}

function Over({ live, close }: { live: Live; close: () => void }): JSX.Element {
  const why = live.why.value;
  return (
    <aside class="live lobby floating" aria-label={t("live.title")} data-testid="live-over">
      <h2>{t("live.over")}</h2>
      {why?.message && <p class="dim">{said(why.reason, why.message)}</p>}
      {live.room.value && (
        <Button look="primary" label={t("replay.watch")} onClick={() => { replayed.value = live.id; close(); }}>
          {t("replay.watch")}
        </Button>
      )}
      <Button label={t("ui.close")} onClick={close}>
        {t("ui.close")}
      </Button>
    </aside>
  );
}

function Dock({ live, room, leave }: { live: Live; room: Room; leave: () => void }): JSX.Element {
  const [chat, setChat] = useState(false);
  const [small, setSmall] = useState(false);
  const [panel, setPanel] = useState<Panel>("");
  const waits = live.myself.value?.state === ParticipantState.WAITING;
  return (
    <aside class="live floating" aria-label={t("live.title")} data-testid="live" data-layout={small ? "side" : layout.value} data-state={live.state.value} data-small={small}>
      <header class="row">
        <i class={`lamp ${live.state.value === "open" ? "bad" : "busy"}`} />
        <strong class="clip grow">{titleOf(live)}</strong>
        {live.state.value === "lost" && (
          <Button small label={t("live.hurry")} onClick={() => live.hurry()}>
            {t("live.hurry")}
          </Button>
        )}
        {live.recorded.value && (
          <span class="recorded" role="status" data-testid="recorded">
            <Icon name="record" size={12} /> {t("live.recorded")}
          </span>
        )}
        {live.state.value === "open" && live.tripMs.value !== undefined && <span class="faint mono">{t("status.milliseconds", { n: Math.max(1, Math.round(live.tripMs.value)) })}</span>}
        <Button small look="quiet" pressed={panel === "people"} testId="live-people" label={t("live.people")} onClick={() => setPanel(panel === "people" ? "" : "people")}>
          <span class="visually-hidden">{t("live.people")}</span> {live.here.value.length}
        </Button>
        {!small && <Layouts />}
        <Button small look="quiet" icon={small ? "down" : "close"} label={small ? t("live.larger") : t("live.smaller")} onClick={() => setSmall(!small)} />
      </header>
      {!waits && <Network live={live} />}
      {waits ? (
        <p class="dim" role="status">{t("live.waiting")}</p>
      ) : (
        <>
          <Waiting live={live} />
          <SplitBar live={live} />
          <Tiles live={live} />
          <ShutOff live={live} />
          {live.call.blocked.value && (
            <p class="shut-off" role="alert" data-testid="blocked">
              <Icon name="warn" size={15} />
              {t("live.blocked")}
            </p>
          )}
          <Baton live={live} />
          <Controls live={live} chat={chat} setChat={setChat} open={setPanel} room={room} leave={leave} />
          <PollList live={live} personId={room.personId} />
          {panel === "people" && <People live={live} />}
          {panel === "groups" && <Groups live={live} project={room.asset.projectId} close={() => setPanel("")} />}
          {panel === "feeds" && <Feeds project={room.asset.projectId} room={live.id} close={() => setPanel("")} />}
          {panel === "poll" && <PollForm live={live} close={() => setPanel("")} />}
          {panel === "settings" && <Settings live={live} path={pathOf(room, live)} close={() => setPanel("")} />}
          {chat && <Chat live={live} />}
        </>
      )}
      {waits && (
        <Button label={t("live.leave")} onClick={leave}>
          {t("live.leave")}
        </Button>
      )}
    </aside>
  );
}

function titleOf(live: Live): string {
  const room = live.room.value;
  if (live.state.value === "lost") return t("live.lostWay");
  if (live.state.value !== "open") return t("live.again");
  return (room?.parentRoomId && room.title) || t("live.title");
}

/** How the session is going, in numbers. */
function Network({ live }: { live: Live }): JSX.Element {
  const quality = live.quality.value;
  const drift = live.drift.value;
  // Its line is there before there are numbers: nothing moves under a pointer when they come.
  return (
    <p class="network faint mono" aria-label={t("live.network")} data-testid="network">
      {quality?.tripMs !== undefined && <span>{t("live.mediaTrip", { n: Math.max(1, Math.round(quality.tripMs)) })}</span>}
      {quality && <span data-bad={quality.lostPercent > 2}>{t("live.lost", { n: quality.lostPercent.toFixed(1) })}</span>}
      {drift !== undefined && <span data-bad={Math.abs(drift) > 2}>{t("live.drift", { n: drift })}</span>}
    </p>
  );
}

/** What a moderator shut off of oneself: nobody speaks long to people who do not hear it. */
function ShutOff({ live }: { live: Live }): JSX.Element | null {
  const { audioMuted = false, videoMuted = false } = live.myself.value ?? {};
  if (!audioMuted && !videoMuted) return null;
  const what = audioMuted && videoMuted ? "live.mutedBoth" : audioMuted ? "live.mutedSound" : "live.mutedPicture";
  return (
    <p class="shut-off" role="status" data-testid="shut-off">
      <Icon name={audioMuted ? "microphoneOff" : "cameraOff"} size={15} />
      {t(what)}
    </p>
  );
}

/** Who waits to be let in. */
function Waiting({ live }: { live: Live }): JSX.Element | null {
  const waiting = [...live.people.value.values()].filter((each) => each.state === ParticipantState.WAITING);
  if (!live.myself.value?.moderates || waiting.length === 0) return null;
  const admit = (participantId: string, value: boolean): void => void live.ask({ case: "moderate", value: { participantId, what: { case: "admit", value } } });
  return (
    <ul class="plain" aria-label={t("live.waitingRoom")}>
      {waiting.map((each) => (
        <li key={each.participantId} class="row">
          <span class="clip grow">{each.name}</span>
          <Button small label={t("live.admit", { name: each.name })} onClick={() => admit(each.participantId, true)}>
            {t("live.letIn")}
          </Button>
          <Button small look="quiet" icon="close" label={t("live.reject", { name: each.name })} onClick={() => admit(each.participantId, false)} />
        </li>
      ))}
    </ul>
  );
}

/** Who presents, and how one comes to it. */
function Baton({ live }: { live: Live }): JSX.Element {
  const { participantId, requests } = live.presenter.value;
  const me = live.myself.value;
  const ask = (what: { case: "request" | "take" | "release"; value: boolean }): void => void live.ask({ case: "present", value: { what } });
  const asked = requests.includes(live.me.value);
  const name = live.people.value.get(participantId)?.name ?? "";
  const drives = me?.role === RoomRole.DRIVER || (me?.role === RoomRole.UNSPECIFIED && me.drives);
  const mayTake = drives && (participantId === "" || me.moderates);
  return (
    <div class="row baton" role="status" data-testid="baton">
      <span class="grow clip">{live.presenting.value ? t("live.youPresent") : participantId ? t("live.presents", { name }) : t("live.nobodyPresents")}</span>
      {live.presenting.value && requests.length > 0 && <span class="dim asks">{t("live.asks", { name: live.people.value.get(requests[0] ?? "")?.name ?? "" })}</span>}
      {live.presenting.value && (
        <Button small look="quiet" label={t("live.release")} onClick={() => ask({ case: "release", value: true })}>
          {t("live.release")}
        </Button>
      )}
      {!live.presenting.value && participantId !== "" && !live.following.value && (
        <Button small look="primary" label={t("live.followAgain")} onClick={() => (live.following.value = true)}>
          {t("live.followAgain")}
        </Button>
      )}
      {!live.presenting.value && mayTake && (
        <Button small label={t("live.present")} onClick={() => ask({ case: "take", value: true })}>
          {t("live.present")}
        </Button>
      )}
      {!live.presenting.value && !mayTake && (
        <Button small look="quiet" pressed={asked} label={t("live.askToPresent")} onClick={() => ask({ case: "request", value: !asked })}>
          {t("live.askToPresent")}
        </Button>
      )}
    </div>
  );
}

type Panel = "" | "people" | "groups" | "feeds" | "poll" | "settings";

interface ControlProps {
  live: Live;
  room: Room;
  chat: boolean;
  setChat: (on: boolean) => void;
  open: (panel: Panel) => void;
  leave: () => void;
}

function Controls({ live, room, chat, setChat, open, leave }: ControlProps): JSX.Element {
  const { call } = live;
  const devices = call.devices.value;
  const hand = live.myself.value?.hand ?? false;
  const [busy, setBusy] = useState(false);
  const turn = (run: () => Promise<void>): void => {
    setBusy(true);
    run()
      .catch((error: unknown) => say({ title: t("live.noDevice"), detail: explainDevice(error), look: "bad" }))
      .finally(() => setBusy(false));
  };
  const path = pathOf(room, live);
  const draw = async (): Promise<void> => {
    say({ title: t("live.whiteboardMade") });
    try {
      const asset = await makeWhiteboard(room.asset.projectId, t("live.whiteboardName", { name: live.room.value?.title ?? "" }));
      navigate(reviewPath(String(asset), undefined, 0, undefined, { live: live.id }));
    } catch (error) {
      say({ title: t("live.refused"), detail: explain(error), look: "bad" });
    }
  };
  const copy = (link: string): void => {
    navigator.clipboard.writeText(link).then(
      () => say({ title: t("live.copied") }),
      () => say({ title: t("live.link"), detail: link }),
    );
  };
  const invite = async (): Promise<void> => {
    try {
      const made = await identity.createInvitation({ projectId: room.asset.projectId, role: "guest", lifetimeS: GUEST_S, requestId: requestId() });
      copy(`${location.origin}/invite?next=${encodeURIComponent(path)}#${made.secret}`);
    } catch (error) {
      say({ title: t("live.refused"), detail: explain(error), look: "bad" });
    }
  };
  const end = (): void => void rooms.endRoom({ projectId: room.asset.projectId, roomId: live.main }).catch((error: unknown) => say({ title: t("live.refused"), detail: explain(error), look: "bad" }));
  const chatLabel = live.unread.value > 0 && !chat ? t("live.chatUnread", { n: live.unread.value }) : t("live.chat");
  return (
    <div class="row controls-live" role="toolbar" aria-label={t("live.title")}>
      <Button icon={devices.microphone ? "microphone" : "microphoneOff"} disabled={busy} pressed={devices.microphone} label={devices.microphone ? t("live.microphoneOff") : t("live.microphoneOn")} onClick={() => turn(() => call.microphone(!devices.microphone))} />
      <Button icon={devices.camera ? "camera" : "cameraOff"} disabled={busy} pressed={devices.camera} label={devices.camera ? t("live.cameraOff") : t("live.cameraOn")} onClick={() => turn(() => call.camera(!devices.camera))} />
      <Button icon="screen" disabled={busy} pressed={devices.screen} label={devices.screen ? t("live.screenOff") : t("live.screenOn")} onClick={() => turn(() => call.screen(!devices.screen))} />
      <Button icon="hand" pressed={hand} label={hand ? t("live.handDown") : t("live.handUp")} onClick={() => void live.ask({ case: "hand", value: !hand })} />
      {(live.presenting.value || (live.myself.value?.moderates ?? false)) && (
        <Button
          icon="record"
          pressed={live.recorded.value}
          label={live.recorded.value ? t("live.recordStop") : t("live.record")}
          onClick={() => void live.ask({ case: "record", value: !live.recorded.value })}
        />
      )}
      <Menu icon="smile" label={t("live.react")}>
        {(close) => (
          <div class="row signs">
            {SIGNS.map((emoji) => (
              <button key={emoji} type="button" class="button quiet" onClick={() => { void live.ask({ case: "reaction", value: emoji }); close(); }}>
                {emoji}
              </button>
            ))}
          </div>
        )}
      </Menu>
      <span class="with-badge">
        <Button icon="note" pressed={chat} label={chatLabel} onClick={() => { setChat(!chat); live.unread.value = 0; }} />
        {live.unread.value > 0 && !chat && <i class="badge" aria-hidden="true">{live.unread.value}</i>}
      </span>
      <Menu icon="share" label={t("live.copy")}>
        {(close) => (
          <div class="menu-list" onClick={close}>
            <Choice label={t("live.copyHere")} run={() => copy(location.origin + path)} />
            {may(room.asset.permissions, Permission.ADMINISTER) && <Choice label={t("live.copyGuest")} run={() => void invite()} />}
          </div>
        )}
      </Menu>
      {may(room.asset.permissions, Permission.DRIVE) && (
        <Menu icon="more" label={t("live.more")}>
          {(close) => (
            <div class="menu-list" onClick={close}>
              <Choice label={t("poll.open")} run={() => open("poll")} />
              {room.has(Permission.UPLOAD) && <Choice label={t("live.whiteboard")} run={() => void draw()} />}
              <Choice label={t("feed.open")} run={() => open("feeds")} />
              {live.myself.value?.moderates && <Choice label={t("breakout.open")} run={() => open("groups")} />}
              {live.myself.value?.moderates && <Choice label={t("room.open")} run={() => open("settings")} />}
            </div>
          )}
        </Menu>
      )}
      <span class="grow" />
      {may(room.asset.permissions, Permission.MODERATE) && (
        <Button small look="quiet" label={t("live.end")} onClick={end}>
          {t("live.end")}
        </Button>
      )}
      <Button small look="bad" label={t("live.leave")} onClick={leave}>
        {t("live.leave")}
      </Button>
    </div>
  );
}

/** Where a session is entered, beside the clip that is looked at. */
function pathOf(room: Room, live: Live): string {
  return `/a/${room.asset.assetId}?r=${live.main}`;
}

function Settings({ live, path, close }: { live: Live; path: string; close: () => void }): JSX.Element | null {
  const room = live.room.value;
  if (!room) return null;
  const { title, capacity, waitingRoom } = room;
  const startMs = Number(room.startTimeMs);
  const save = async (terms: Terms): Promise<void> => {
    const { startMs: planned, ...rest } = terms;
    if (await live.ask({ case: "settings", value: { ...rest, startTimeMs: BigInt(planned) } })) close();
  };
  return (
    <section class="feeds" aria-label={t("room.settings")} data-testid="settings">
      <RoomForm terms={{ title, capacity, waitingRoom, startMs }} save={save} cancel={close} />
      <Invitation id={live.id} path={path} title={title} startMs={startMs} />
    </section>
  );
}

function Chat({ live }: { live: Live }): JSX.Element {
  const [text, setText] = useState("");
  const end = useRef<HTMLDivElement>(null);
  const count = live.chats.value.length;
  useEffect(() => {
    end.current?.scrollIntoView({ block: "nearest" });
    live.unread.value = 0;
  }, [live, count]);
  const send = (event: Event): void => {
    event.preventDefault();
    const said = text.trim();
    if (!said) return;
    setText("");
    void live.ask({ case: "chat", value: said });
  };
  return (
    <section class="chat" aria-label={t("live.chat")}>
      <div class="chat-lines" role="log">
        {live.chats.value.map((event) => event.what.case === "chat" && (
          <p key={String(event.ordinal)}>
            <strong>{event.what.value.name}</strong> {event.what.value.text}
          </p>
        ))}
        <div ref={end} />
      </div>
      <form class="row" onSubmit={send}>
        <input class="grow" value={text} maxLength={2000} aria-label={t("live.say")} placeholder={t("live.say")} onInput={(event) => setText(event.currentTarget.value)} />
        <Button small type="submit" label={t("live.send")}>
          {t("live.send")}
        </Button>
      </form>
    </section>
  );
}
