/** A live session in breakout rooms: who belongs where, for how long, and the way there and back. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { projects } from "../app/api";
import { person, remember } from "../app/people";
import { ParticipantKind, type Breakouts } from "../gen/rushes/signaling/v1/room_service_pb";
import type { Asset } from "../gen/rushes/project/v1/project_service_pb";
import { count, t } from "../messages";
import { Button } from "../ui/button";
import { evenly, homeOf, leftOf } from "./breakouts";
import type { Live } from "./live";

const MOST = 20;
const MOST_VIDEOS = 200;
const MINUTES = 10;
const MORE_MS = 5 * 60_000;
const TICK_MS = 500;

/** What everybody sees while the room is split: where they are, what is left of the time, what was said to all. */
export function SplitBar({ live }: { live: Live }): JSX.Element | null {
  const split = live.breakouts.value;
  if (!split || split.over) return null;
  const home = homeOf(split, live.myself.value?.personId ?? "");
  const here = split.rooms.some((each) => each.roomId === live.id);
  const line = split.lines.at(-1);
  return (
    <section class="split" aria-label={t("breakout.title")} data-testid="split">
      <div class="row">
        <span class="clip grow">{here ? t("breakout.here") : count("breakout.count", split.rooms.length)}</span>
        <TimeLeft live={live} endMs={Number(split.endTimeMs)} />
        {here && (
          <Button small look="quiet" label={t("breakout.return")} onClick={() => live.visit(split.parentRoomId)}>
            {t("breakout.return")}
          </Button>
        )}
        {home && home.roomId !== live.id && (
          <Button small label={t("breakout.go", { title: home.title })} onClick={() => live.visit(home.roomId)}>
            {t("breakout.go", { title: home.title })}
          </Button>
        )}
      </div>
      {line && (
        <p class="dim" data-testid="line">
          <strong>{line.name}</strong> {line.text}
        </p>
      )}
    </section>
  );
}

function TimeLeft({ live, endMs }: { live: Live; endMs: number }): JSX.Element | null {
  const [now, setNow] = useState(live.nowMs);
  useEffect(() => {
    setNow(live.nowMs);
    const ticker = setInterval(() => setNow(live.nowMs), TICK_MS);
    return () => clearInterval(ticker);
  }, [live, endMs]);
  // The server's clock is not known before its first answer.
  if (endMs === 0 || live.tripMs.value === undefined) return null;
  return (
    <span class="mono" role="timer" aria-label={t("breakout.left")} data-testid="time-left">
      {leftOf(endMs, now)}
    </span>
  );
}

interface PanelProps {
  live: Live;
  project: bigint;
  close: () => void;
}

/** A moderator's panel: splits the room, or changes how it is split. */
export function Groups({ live, project, close }: PanelProps): JSX.Element | null {
  const split = live.breakouts.value;
  for (const each of live.here.value) remember(each.personId, { name: each.name });
  if (!live.myself.value?.moderates) return null;
  return (
    <section class="feeds" aria-label={t("breakout.title")} data-testid="groups">
      {split && !split.over ? <Running live={live} split={split} close={close} /> : <Begin live={live} project={project} close={close} />}
    </section>
  );
}

/** Persons who are here, each once, on however many devices. */
function personsOf(live: Live): string[] {
  return [...new Set(live.here.value.filter((each) => each.kind !== ParticipantKind.PROGRAMME).map((each) => each.personId))];
}

interface Group {
  title: string;
  asset: string;
}

function Begin({ live, project, close }: PanelProps): JSX.Element {
  const me = live.myself.value?.personId;
  const persons = personsOf(live);
  const [groups, setGroups] = useState<readonly Group[]>(() => [1, 2].map(named));
  const [chosen, setChosen] = useState<ReadonlyMap<string, number>>(new Map());
  const [minutes, setMinutes] = useState(MINUTES);
  const [busy, setBusy] = useState(false);
  const videos = useVideos(project);
  // Whoever splits the room stays in it, unless chosen for a group as well.
  const even = evenly(persons.filter((each) => each !== me), groups.length);
  const groupOf = (each: string): number => Math.min(chosen.get(each) ?? even.get(each) ?? -1, groups.length - 1);
  const number = (wanted: number): void => {
    const many = Math.max(1, Math.min(MOST, wanted || 1));
    setGroups(Array.from({ length: many }, (_, at) => groups[at] ?? named(at + 1)));
  };
  const change = (at: number, what: Partial<Group>): void => setGroups(groups.map((each, other) => (other === at ? { ...each, ...what } : each)));
  const submit = (event: Event): void => {
    event.preventDefault();
    setBusy(true);
    const rooms = groups.map(({ title, asset }, at) => ({ title: title.trim(), assetId: BigInt(asset), personIds: persons.filter((each) => groupOf(each) === at) }));
    void live.ask({ case: "split", value: { rooms, seconds: minutes * 60 } }).then((done) => (done ? close() : setBusy(false)));
  };
  return (
    <form class="panel-form" aria-label={t("breakout.title")} onSubmit={submit}>
      <div class="row">
        <label class="grow">
          <span>{t("breakout.number")}</span>
          <input type="number" min={1} max={MOST} value={groups.length} onInput={(event) => number(event.currentTarget.valueAsNumber)} />
        </label>
        <label class="grow">
          <span>{t("breakout.minutes")}</span>
          <input type="number" min={0} max={1440} value={minutes} onInput={(event) => setMinutes(Math.max(0, Math.min(1440, event.currentTarget.valueAsNumber || 0)))} />
        </label>
      </div>
      {groups.map(({ title, asset }, at) => (
        <div key={at} class="row">
          <input class="grow" value={title} maxLength={200} required aria-label={t("breakout.name", { n: at + 1 })} onInput={(event) => change(at, { title: event.currentTarget.value })} />
          <select aria-label={t("breakout.video", { title })} value={asset} onChange={(event) => change(at, { asset: event.currentTarget.value })}>
            <option value="0">{t("breakout.sameVideo")}</option>
            {videos.map(({ assetId, name }) => (
              <option key={String(assetId)} value={String(assetId)}>
                {name}
              </option>
            ))}
          </select>
        </div>
      ))}
      <ul class="plain people-list" aria-label={t("breakout.people")}>
        {persons.map((each) => (
          <Where key={each} who={each} rooms={groups} at={groupOf(each)} put={(at) => setChosen(new Map(chosen).set(each, at))} />
        ))}
      </ul>
      <div class="row">
        <Button small type="submit" look="primary" disabled={busy || groups.some(({ title }) => title.trim() === "")} label={t("breakout.split")}>
          {t("breakout.split")}
        </Button>
        <Button small look="quiet" label={t("ui.cancel")} onClick={close}>
          {t("ui.cancel")}
        </Button>
      </div>
    </form>
  );
}

function named(n: number): Group {
  return { title: t("breakout.named", { n }), asset: "0" };
}

/** Videos of the project to choose from; none while they are not known: the session's own is always there. */
function useVideos(project: bigint): readonly Asset[] {
  const [videos, setVideos] = useState<readonly Asset[]>([]);
  useEffect(() => {
    projects.listAssets({ projectId: project, pageSize: MOST_VIDEOS }).then(
      ({ assets }) => setVideos(assets),
      () => undefined,
    );
  }, [project]);
  return videos;
}

/** One person, and the group to choose for them; -1: the room itself. */
function Where({ who, rooms, at, put }: { who: string; rooms: readonly { title: string }[]; at: number; put: (at: number) => void }): JSX.Element {
  const { name } = person(who);
  return (
    <li class="row" data-who={name}>
      <span class="clip grow">{name}</span>
      <select aria-label={t("breakout.of", { name })} value={at} onChange={(event) => put(Number(event.currentTarget.value))}>
        <option value={-1}>{t("breakout.main")}</option>
        {rooms.map(({ title }, other) => (
          <option key={other} value={other}>
            {title}
          </option>
        ))}
      </select>
    </li>
  );
}

function Running({ live, split, close }: { live: Live; split: Breakouts; close: () => void }): JSX.Element {
  const [text, setText] = useState("");
  const belong = split.rooms.flatMap((each) => each.personIds);
  const persons = [...belong, ...personsOf(live).filter((each) => !belong.includes(each))];
  const regroup = (what: Parameters<typeof ask>[1]): Promise<boolean> => ask(live, what);
  const send = (event: Event): void => {
    event.preventDefault();
    if (text.trim() === "") return;
    void regroup({ case: "say", value: text.trim() }).then((done) => done && setText(""));
  };
  const endMs = Number(split.endTimeMs);
  const more = (): void => void regroup({ case: "seconds", value: Math.round((Math.max(endMs - live.nowMs, 0) + MORE_MS) / 1000) });
  return (
    <div class="panel-form">
      <ul class="plain" aria-label={t("breakout.title")}>
        {split.rooms.map((each) => (
          <li key={each.roomId} class="row">
            <span class="clip grow">{each.title}</span>
            <span class="faint">{each.personIds.length}</span>
            {each.roomId !== live.id && (
              <Button small look="quiet" label={t("breakout.visit", { title: each.title })} onClick={() => live.visit(each.roomId)}>
                {t("breakout.visitShort")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <ul class="plain people-list" aria-label={t("breakout.people")}>
        {persons.map((each) => (
          <Where
            key={each}
            who={each}
            rooms={split.rooms}
            at={split.rooms.findIndex(({ personIds }) => personIds.includes(each))}
            put={(at) => void regroup({ case: "assign", value: { personId: each, roomId: split.rooms[at]?.roomId ?? "" } })}
          />
        ))}
      </ul>
      <form class="row" onSubmit={send}>
        <input class="grow" value={text} maxLength={2000} aria-label={t("breakout.say")} placeholder={t("breakout.say")} onInput={(event) => setText(event.currentTarget.value)} />
        <Button small type="submit" label={t("live.send")}>
          {t("live.send")}
        </Button>
      </form>
      <div class="row">
        <Button small look="primary" label={t("breakout.unite")} onClick={() => void regroup({ case: "unite", value: true }).then((done) => done && close())}>
          {t("breakout.unite")}
        </Button>
        {endMs > 0 && (
          <Button small look="quiet" label={t("breakout.more")} onClick={more}>
            {t("breakout.more")}
          </Button>
        )}
      </div>
    </div>
  );
}

type Regroup = { case: "assign"; value: { personId: string; roomId: string } } | { case: "say"; value: string } | { case: "seconds"; value: number } | { case: "unite"; value: boolean };

function ask(live: Live, what: Regroup): Promise<boolean> {
  return live.ask({ case: "regroup", value: { what } });
}
