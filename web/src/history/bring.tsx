/** Notes of another cut brought to this one: offered where one looks on a new cut, and in the menu of the notes. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { annotations, media } from "../app/api";
import { comparisonOf } from "../compare/comparison";
import { Permission } from "../document";
import type { Cut } from "../gen/rushes/project/v1/project_service_pb";
import { count, t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import type { Past } from "./past";

const PAGE = 1000;

/** The cut whose notes one wants: the one that it is compared with, else the one before, else the one after. */
export function sourceOf(room: Room): Cut | undefined {
  const { asset, cut } = room;
  const others = asset.cuts.filter(({ number }) => number !== cut.number);
  const compared = comparisonOf(room.compare.peek())?.cut;
  return others.find(({ number }) => number === compared) ?? others.find(({ number }) => number < cut.number) ?? others.at(-1);
}

/** Whether notes can be brought here. */
export function mayBring(room: Room): boolean {
  return sourceOf(room) !== undefined && room.session.writable.value && room.has(Permission.ANNOTATE);
}

interface Notes {
  all: number;
  open: number;
}

/** How many notes a cut has, replies not counted. */
async function notesOf(videoId: bigint): Promise<Notes> {
  const found: Notes = { all: 0, open: 0 };
  let pageToken = "";
  do {
    const answer = await annotations.listAnnotations({ videoId, pageSize: PAGE, pageToken });
    const roots = answer.annotations.filter(({ parentId }) => parentId.length === 0);
    found.all += roots.length;
    found.open += roots.filter(({ resolved }) => !resolved).length;
    pageToken = answer.nextPageToken;
  } while (pageToken);
  return found;
}

/** By how many frames notes of another cut move, as far as that is known: as it is compared, else as the timecodes say. */
async function offsetFrom(room: Room, cut: Cut): Promise<number> {
  const compared = comparisonOf(room.compare.peek());
  if (compared?.cut === cut.number) return compared.offset === 0 ? 0 : -compared.offset;
  const { video } = await media.getVideo({ videoId: cut.videoId });
  const [theirs, ours] = [video?.startTimecode, room.video.startTimecode];
  const [rate, own] = [video?.rate, room.video.rate];
  if (!theirs || !ours || rate?.num !== own?.num || rate?.den !== own?.den) return 0;
  return Number(theirs.frames - ours.frames);
}

interface BringProps {
  room: Room;
  past: Past;
  /** Only offered: nothing where there is nothing to bring. Else it was asked for, and can be closed. */
  close?: () => void;
}

/** The offer. */
export function Bring({ room, past, close }: BringProps): JSX.Element | null {
  const from = sourceOf(room);
  const notes = useSignal<Notes | undefined>(undefined);
  const offset = useSignal(0);
  const openOnly = useSignal(false);
  useEffect(() => {
    if (!from) return;
    let here = true;
    Promise.all([notesOf(from.videoId), offsetFrom(room, from)]).then(
      ([found, frames]) => {
        if (!here) return;
        notes.value = found;
        offset.value = frames;
      },
      // It is an offer: without an answer there is none.
      () => undefined,
    );
    return () => {
      here = false;
    };
  }, [from?.videoId]);
  const found = notes.value;
  if (!from || !found || (found.all === 0 && !close)) return null;
  const n = openOnly.value ? found.open : found.all;
  const bring = async (): Promise<void> => {
    if (await past.bring(from, offset.value, openOnly.value)) close?.();
  };
  return (
    <section class="past-bring" aria-label={t("history.bringTitle", { number: from.number })} data-testid="bring">
      <p class="dim">{found.all === 0 ? t("history.bringNone", { number: from.number }) : count("history.bringDetail", found.all, { number: from.number })}</p>
      <label class="row">
        <span class="grow">{t("history.bringOffset")}</span>
        <input
          class="input mono"
          type="number"
          step="1"
          value={offset.value}
          onInput={(event) => (offset.value = Math.round(event.currentTarget.valueAsNumber) || 0)}
        />
      </label>
      {found.open < found.all && (
        <label class="row">
          <input type="checkbox" checked={openOnly.value} onChange={(event) => (openOnly.value = event.currentTarget.checked)} />
          {t("history.bringOpen", { n: found.open })}
        </label>
      )}
      <div class="row past-buttons">
        {close && (
          <Button look="quiet" label={t("ui.cancel")} onClick={close}>
            {t("ui.cancel")}
          </Button>
        )}
        <Button look="primary" label={t("history.bring")} disabled={past.busy.value || n === 0} onClick={() => void bring()}>
          {count("history.bringNow", n, { number: from.number })}
        </Button>
      </div>
    </section>
  );
}
