/** The review page: opens an asset's cut, and puts its parts together. */
import { createContextValues } from "@connectrpc/connect";
import { untracked, useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Lost } from "../app/lost";
import { projects } from "../app/api";
import { me } from "../app/auth";
import { explain, isNotFound } from "../app/error";
import { useFinder } from "../app/finder";
import { PASSING } from "../app/kept_answers";
import { actionOf, isMac, isTyping, type Action } from "../app/keys";
import { toggleOverlay } from "../app/overlay";
import { navigate, reviewPath, rewrite, type ReviewPlace } from "../app/router";
import { isBrowsers } from "../canvas/selection";
import { Stage } from "../canvas/stage";
import { Toolbar } from "../canvas/toolbar";
import { keepTools } from "../canvas/tools";
import { Permission } from "../document";
import { VideoState, type Video } from "../gen/rushes/media/v1/media_service_pb";
import type { Asset, Cut } from "../gen/rushes/project/v1/project_service_pb";
import { CompareBar } from "../compare/bar";
import type { Compare } from "../compare/compare";
import { ComparePane, CompareOver, CompareUnder } from "../compare/layer";
import { useCompare } from "../compare/use";
import { PastLayer } from "../history/layer";
import { HistoryPanel } from "../history/panel";
import type { Past } from "../history/past";
import { PastBanner, usePast } from "../history/use";
import { stageText } from "../library/card";
import { may } from "../library/store";
import { take } from "../library/take";
import { landed } from "../library/upload";
import { useVideo } from "../library/video";
import { t } from "../messages";
import { boardOf, EMPTY_BOARD, type Board } from "../notes/board";
import { NotesPanel } from "../notes/panel";
import type { FrameClock } from "../player/clock";
import { Controls } from "../player/controls";
import { background, graded, keepLook } from "../player/grade";
import { GradeFilter, GradeMark } from "../player/look";
import { Timeline } from "../player/timeline";
import { Button } from "../ui/button";
import { useDrop } from "../ui/dropzone";
import { say } from "../ui/toast";
import { useTurns } from "../ui/turns";
import { act } from "./act";
import { addressOf, filterOf, lookOf, onAnother } from "./address";
import { carryOf, carryOn, frameOn, type Carry } from "./carry";
import { tellDecisions } from "./cuts";
import { clipsAround, fetchHead, goToCut } from "./neighbour";
import { isRoomId, liveRoom, replayed } from "../live/state";
import { openRoom } from "./open";
import type { Room } from "./room";
import { roomFinder } from "./finder";
import { TopBar } from "./topbar";
import "../player/player.css";
import "./review.css";

const ADDRESS_WAIT_MS = 400;
const ASSET_EVERY_MS = 10_000;
const PLAYING_WAIT_MS = 2000;
const PREFETCH_WAIT_MS = 2500;
const BOARD_WAIT_MS = 80;

export interface ReviewProps {
  place: ReviewPlace;
}

function Message({ title, detail, children }: { title: string; detail?: string; children?: JSX.Element }): JSX.Element {
  return (
    <div class="boot">
      <div class="column">
        <h1>{title}</h1>
        {detail && <p class="dim">{detail}</p>}
        {children}
        <p>
          <Button label={t("lost.back")} onClick={() => navigate("/")}>
            {t("lost.back")}
          </Button>
        </p>
      </div>
    </div>
  );
}

function newestOf(asset: Asset): number {
  return Math.max(0, ...asset.cuts.map((cut) => cut.number));
}

/** Says that there is a newer cut than the one on screen, and leads to it. */
function tellNewCut(before: Asset, asset: Asset, here: number | undefined): void {
  const number = newestOf(asset);
  if (here === undefined || number <= newestOf(before) || number <= here) return;
  const run = (): void => navigate(reviewPath(String(asset.assetId), number));
  say({ title: t("review.newCut", { number }), detail: t("review.newCutDetail", { here }), action: { label: t("ui.show"), run } });
}

/** The page of an asset. */
export function Review({ place }: ReviewProps): JSX.Element {
  const [asset, setAsset] = useState<Asset>();
  const [error, setError] = useState<unknown>();
  const carry = useRef<Carry | undefined>(undefined);
  const fresh = landed.value;
  // What others change of it, such as its status, and the cuts that they bring.
  useTurns(ASSET_EVERY_MS, async () => {
    if (!asset) return;
    const answer = await projects.getAsset({ assetId: asset.assetId }, { contextValues: createContextValues().set(PASSING, true) });
    const now = answer.asset;
    if (!now || now.etag === asset.etag) return;
    // What one changed oneself while this was asked is newer.
    setAsset((held) => (held && held.updatedMs > now.updatedMs ? held : now));
    tellNewCut(asset, now, place.cut);
    tellDecisions(asset, now);
  }, [asset?.assetId]);
  useEffect(() => {
    let here = true;
    projects
      .getAsset({ assetId: BigInt(place.asset) })
      .then((answer) => {
        if (!here) return;
        setAsset(answer.asset);
        if (answer.asset && asset) tellNewCut(asset, answer.asset, place.cut);
      })
      .catch((failure: unknown) => (here && !asset ? setError(failure) : undefined));
    return () => {
      here = false;
    };
  }, [place.asset, fresh]);
  const first = asset?.cuts[0]?.number;
  useEffect(() => {
    // Who opened the newest cut stays on it when a newer one comes.
    if (place.cut === undefined && first !== undefined) navigate(reviewPath(place.asset, first, place.frame, place.note, place), true);
  }, [place.asset, place.cut, first]);
  if (error !== undefined) return isNotFound(error) ? <Lost /> : <Message title={t("review.cannotOpen")} detail={explain(error)} />;
  if (!asset) return <Loading />;
  const cut = asset.cuts.find((each) => each.number === place.cut) ?? asset.cuts[0];
  if (!cut) return <Message title={asset.name} detail={t("review.noCut")} />;
  return <CutPage key={`${cut.videoId}`} asset={asset} cut={cut} place={place} carry={carry} changed={setAsset} />;
}

function Loading(): JSX.Element {
  return (
    <div class="boot">
      <div class="spinner" role="status" aria-label={t("ui.loading")} />
    </div>
  );
}

interface CutProps {
  asset: Asset;
  cut: Cut;
  place: ReviewPlace;
  /** What the cut before left. */
  carry: { current: Carry | undefined };
  changed: (asset: Asset) => void;
}

/** The frame to begin with: of who comes from another cut the same one, whatever its number is here. */
function startOf(clock: FrameClock, asset: Asset, place: ReviewPlace, carry: Carry | undefined): number {
  if (place.frame !== undefined) return place.frame;
  return carry?.asset === asset.assetId && !place.note ? frameOn(clock, carry) : 0;
}

/** Whoever goes through cuts quickly need not wait for each. */
function useCutKeys(asset: Asset, cut: Cut, place: ReviewPlace, active: boolean): void {
  // Before the next press, not after the next picture.
  useLayoutEffect(() => {
    if (!active) return;
    const goTo = (number: number): void => navigate(reviewPath(String(asset.assetId), number, undefined, "", onAnother(place)), true);
    const press = (event: KeyboardEvent): void => {
      const action = actionOf(event, isMac(), isTyping(event.target));
      if (action === "go.previousCut") void goToCut(asset, cut.number, -1, goTo);
      if (action === "go.nextCut") void goToCut(asset, cut.number, 1, goTo);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [asset, cut, place, active]);
}

function CutPage({ asset, cut, place, carry, changed }: CutProps): JSX.Element {
  const video = useVideo(cut.videoId);
  const [room, setRoom] = useState<Room>();
  const [error, setError] = useState("");
  const ready = video?.state === VideoState.READY;
  useCutKeys(asset, cut, place, room === undefined);
  useEffect(() => {
    if (!ready) return;
    let [here, opened] = [true, undefined as Room | undefined];
    openRoom(asset, cut, video, me.peek()?.personId ?? "", (clock) => startOf(clock, asset, place, carry.current))
      .then((made) => {
        opened = made;
        if (here) setRoom(made);
        else void made.close();
      })
      .catch((failure: unknown) => setError(explain(failure)));
    return () => {
      here = false;
      setRoom(undefined);
      if (opened) carry.current = carryOf(opened);
      void opened?.close();
    };
  }, [ready, cut.videoId]);
  if (error) return <Message title={t("review.cannotOpen")} detail={error} />;
  if (video && !ready) return <NotReady asset={asset} video={video} />;
  if (!room) return <Loading />;
  return <RoomPage room={room} asset={asset} place={place} carry={carry} changed={changed} />;
}

function NotReady({ asset, video }: { asset: Asset; video: Video }): JSX.Element {
  if (video.state === VideoState.FAILED) return <Message title={t("review.failed", { name: asset.name })} detail={video.error} />;
  return (
    <Message title={asset.name} detail={stageText(video)}>
      <div class="bar" role="progressbar" aria-valuemin={0} aria-valuemax={1000} aria-valuenow={video.progressPermille}>
        <i style={{ width: `${video.progressPermille / 10}%` }} />
      </div>
    </Message>
  );
}

/** The board of the document, made again a moment after it changed: a burst of strokes is one. */
function useBoard(room: Room): Board {
  const version = useSignal(room.session.version.peek());
  useEffect(() => {
    let timer = 0;
    const stop = room.session.version.subscribe((now) => {
      if (now === version.peek()) return;
      timer ||= window.setTimeout(() => {
        timer = 0;
        version.value = room.session.version.peek();
      }, BOARD_WAIT_MS);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [room]);
  return useComputed(() => {
    const states = version.value >= 0 ? room.session.client.screen.annotations : [];
    return states.length === 0 ? EMPTY_BOARD : boardOf(states);
  }).value;
}

/** Writes where one is into the address: soon when one stands still, now and then while it plays. */
function useAddress(room: Room): void {
  useEffect(() => {
    let timer = 0;
    const write = (): void => {
      timer = 0;
      rewrite(addressOf(room));
    };
    const later = (): void => {
      const playing = room.player.playing.peek();
      if (playing && timer) return;
      clearTimeout(timer);
      timer = window.setTimeout(write, playing ? PLAYING_WAIT_MS : ADDRESS_WAIT_MS);
    };
    write();
    const { player, note, look, filter, compare } = room;
    const stops = [player.frame, player.playing, note, look, filter, compare, liveRoom, replayed].map((each) => each.subscribe(later));
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [room]);
}

/** Goes where the address says: at first, by a link, or back. */
function usePlace(room: Room, place: ReviewPlace, carry: Carry | undefined): void {
  const first = useRef(true);
  useEffect(() => {
    room.look.value = lookOf(place.look);
    room.filter.value = filterOf(place.filter);
    room.compare.value = place.compare;
    if (isRoomId(place.live)) liveRoom.value = place.live;
    if (isRoomId(place.replay)) replayed.value = place.replay;
    room.note.value = place.note;
    if (!first.current && place.frame !== undefined && place.frame !== room.player.here) room.player.seek(place.frame);
    if (first.current && carry?.asset === room.asset.assetId && !place.note) carryOn(room, carry);
    first.current = false;
    if (!place.note || place.frame !== undefined) return;
    // A link that names a note alone leads to its frame, as soon as the notes are here.
    let found = false;
    const stop = room.session.version.subscribe(() => {
      const note = found ? undefined : room.get(place.note);
      if (!note) return;
      found = true;
      untracked(() => room.goTo(note));
    });
    return stop;
  }, [room, place]);
}

/** Full screen is for the picture: the notes come when they are asked for, and are as before afterwards. */
function useFull(room: Room): void {
  useEffect(() => {
    let before = room.panel.peek();
    const turn = (): void => {
      if (document.fullscreenElement) before = room.panel.peek();
      room.panel.value = document.fullscreenElement ? false : before;
    };
    document.addEventListener("fullscreenchange", turn);
    return () => document.removeEventListener("fullscreenchange", turn);
  }, [room]);
}

/** Fetches the beginning of what may be opened next, once all is quiet: the clip after this one, and the cut before. */
function usePrefetch(room: Room): void {
  useEffect(() => {
    const stop = new AbortController();
    const fetchNext = async (): Promise<void> => {
      const { next } = await clipsAround(room.asset);
      const older = room.asset.cuts.find((cut) => cut.number === room.cut.number - 1);
      for (const videoId of [next?.cuts[0]?.videoId, older?.videoId]) if (videoId !== undefined) await fetchHead(videoId, stop.signal);
    };
    // What is fetched ahead is an extra: when it cannot be had, nothing is missing.
    const timer = window.setTimeout(() => void fetchNext().catch(() => undefined), PREFETCH_WAIT_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [room]);
}

/** Who does what a key asks for: the past while it compares, the comparison, or the room. */
function doing(room: Room, past: Past, compare: Compare, board: () => Board): (action: Action) => void {
  return (action) => {
    if (past.act(action)) return;
    if (action.startsWith("compare.")) compare.act(action);
    else act(room, board(), action);
  };
}

function useKeys(room: Room, past: Past, compare: Compare, board: Board): void {
  const held = useRef(board);
  held.current = board;
  const run = useMemo(() => doing(room, past, compare, () => held.current), [room, past, compare]);
  useFinder(roomFinder(room, () => held.current, run), [room]);
  useLayoutEffect(() => {
    let tabbed = false;
    const press = (event: KeyboardEvent): void => {
      tabbed ||= event.key === "Tab";
      const action = actionOf(event, isMac(), isTyping(event.target));
      if (action === undefined || event.defaultPrevented || isBrowsers(room, action)) return;
      // Space presses the button that one went to by Tab; one that was clicked has the focus too, but Space plays.
      if (action === "play.toggle" && tabbed && event.target instanceof HTMLButtonElement) return;
      event.preventDefault();
      run(action);
    };
    const point = (): void => void (tabbed = false);
    addEventListener("keydown", press);
    addEventListener("pointerdown", point, true);
    return () => {
      removeEventListener("keydown", press);
      removeEventListener("pointerdown", point, true);
    };
  }, [room]);
}

function Banner({ room }: { room: Room }): JSX.Element | null {
  const { session, player } = room;
  if (session.doubt.value > 0) {
    return (
      <div class="banner" role="alert">
        <span class="grow">{t("session.doubtBanner", { n: session.doubt.value })}</span>
        <Button small label={t("session.sendAgain")} onClick={() => session.resendDoubt()}>
          {t("session.sendAgain")}
        </Button>
        <Button small look="quiet" label={t("session.discard")} onClick={() => session.discardDoubt()}>
          {t("session.discard")}
        </Button>
      </div>
    );
  }
  if (player.problem.value !== undefined) {
    return (
      <div class="banner" role="alert">
        <span class="grow">{t("player.problem")}</span>
        <span class="faint clip">{player.problem.value}</span>
        <Button small label={t("ui.again")} onClick={() => player.reload()}>
          {t("ui.again")}
        </Button>
      </div>
    );
  }
  const followed = room.followed.value;
  if (followed) {
    return (
      <div class="banner quiet" role="status">
        <span class="grow">{t("people.following", { name: followed.name })}</span>
        <Button small look="quiet" label={t("people.stop")} onClick={() => room.release()}>
          {t("people.stop")}
        </Button>
      </div>
    );
  }
  return null;
}

/** Fetched when somebody goes live. */
function LiveDock({ room }: { room: Room }): JSX.Element | null {
  const [Dock, setDock] = useState<typeof import("../live/dock").default>();
  useEffect(() => {
    import("../live/dock").then(
      (loaded) => setDock(() => loaded.default),
      (error: unknown) => say({ title: t("live.failed"), detail: explain(error), look: "bad" }),
    );
  }, []);
  return Dock ? <Dock room={room} /> : null;
}

/** Fetched when a session is watched again. */
function ReplayDock({ room }: { room: Room }): JSX.Element | null {
  const [Dock, setDock] = useState<typeof import("../replay/dock").default>();
  useEffect(() => {
    import("../replay/dock").then(
      (loaded) => setDock(() => loaded.default),
      (error: unknown) => say({ title: t("replay.failed"), detail: explain(error), look: "bad" }),
    );
  }, []);
  return Dock ? <Dock room={room} /> : null;
}

interface RoomProps extends Omit<CutProps, "cut"> {
  room: Room;
}

function RoomPage({ room, asset, place, carry, changed }: RoomProps): JSX.Element {
  const board = useBoard(room);
  const past = usePast(room);
  const compare = useCompare(room);
  usePlace(room, place, carry.current);
  useAddress(room);
  usePrefetch(room);
  useFull(room);
  useKeys(room, past, compare, board);
  useEffect(keepTools, []);
  useEffect(keepLook, []);
  useEffect(() => {
    document.title = `${asset.name} · Rushes`;
  }, [asset.name]);
  const drop = useCallback((files: File[]) => take(files, asset.projectId, asset.assetId), [asset]);
  useDrop(may(asset.permissions, Permission.UPLOAD) ? drop : undefined);
  return (
    <div class="review" data-panel={room.panel.value} data-background={background.value} data-graded={graded.value} style={{ "--shape": `${room.picture.width} / ${room.picture.height}` }}>
      <TopBar room={room} asset={asset} changed={changed} compare={compare} past={past} showKeys={() => toggleOverlay("keys")} />
      <Toolbar room={room} />
      <main class="review-picture" data-past={past.active.value || replayed.value !== ""} data-compare={compare.mode.value}>
        <Banner room={room} />
        <PastBanner past={past} />
        <CompareBar compare={compare} />
        <Stage room={room} under={<CompareUnder compare={compare} />} over={<CompareOver compare={compare} />} />
        <ComparePane compare={compare} />
        <PastLayer room={room} past={past} />
        <GradeFilter />
        <GradeMark />
        {liveRoom.value !== "" && <LiveDock room={room} />}
        {replayed.value !== "" && liveRoom.value === "" && <ReplayDock key={replayed.value} room={room} />}
        {room.player.waiting.value && <div class="spinner buffering" role="status" aria-label={t("player.buffering")} />}
      </main>
      <footer class="review-foot">
        {room.player.clock.count > 1 && <Timeline room={room} board={board} />}
        <Controls room={room} />
      </footer>
      {room.panel.value && (room.side.value === "notes" ? <NotesPanel room={room} board={board} past={past} /> : <HistoryPanel room={room} past={past} />)}
    </div>
  );
}
