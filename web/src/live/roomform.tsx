/** What a session is called, when it is planned, who comes in: the form, and the invitation to it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { t } from "../messages";
import { Button } from "../ui/button";
import { say } from "../ui/toast";
import { calendarOf } from "./invitation";

const MINUTES = 60;

export interface Terms {
  title: string;
  capacity: number;
  waitingRoom: boolean;
  /** 0: it is not planned. */
  startMs: number;
}

interface FormProps {
  terms: Terms;
  save: (terms: Terms) => Promise<unknown>;
  cancel: () => void;
}

/** Terms that somebody may change. */
export function RoomForm({ terms, save, cancel }: FormProps): JSX.Element {
  const [now, setNow] = useState(terms);
  const [busy, setBusy] = useState(false);
  const change = (what: Partial<Terms>): void => setNow({ ...now, ...what });
  const submit = (event: Event): void => {
    event.preventDefault();
    setBusy(true);
    void save({ ...now, title: now.title.trim() }).finally(() => setBusy(false));
  };
  return (
    <form class="panel-form" aria-label={t("room.settings")} onSubmit={submit}>
      <label>
        <span>{t("room.title")}</span>
        <input value={now.title} maxLength={200} required onInput={(event) => change({ title: event.currentTarget.value })} />
      </label>
      <label>
        <span>{t("room.time")}</span>
        <input type="datetime-local" value={localOf(now.startMs)} onInput={(event) => change({ startMs: event.currentTarget.valueAsNumber ? msOf(event.currentTarget.value) : 0 })} />
      </label>
      <label>
        <span>{t("room.capacity")}</span>
        <input type="number" min={2} max={1000} value={now.capacity} required onInput={(event) => change({ capacity: event.currentTarget.valueAsNumber || 100 })} />
      </label>
      <label class="row">
        <input type="checkbox" checked={now.waitingRoom} onChange={(event) => change({ waitingRoom: event.currentTarget.checked })} />
        <span>{t("live.goWaiting")}</span>
      </label>
      <div class="row">
        <Button small type="submit" look="primary" disabled={busy || now.title.trim() === ""} label={t("room.save")}>
          {t("room.save")}
        </Button>
        <Button small look="quiet" label={t("ui.cancel")} onClick={cancel}>
          {t("ui.cancel")}
        </Button>
      </div>
    </form>
  );
}

/** A moment as the field writes it, in the time of whoever sees it. */
function localOf(ms: number): string {
  if (ms === 0) return "";
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function msOf(local: string): number {
  return new Date(local).getTime();
}

/** Link and calendar entry of a session that is planned. */
export function Invitation({ id, path, title, startMs }: { id: string; path: string; title: string; startMs: number }): JSX.Element {
  const link = location.origin + path;
  const copy = (): void => void navigator.clipboard.writeText(link).then(
    () => say({ title: t("live.copied") }),
    () => say({ title: t("live.link"), detail: link }),
  );
  const download = (): void => {
    const entry = calendarOf({ uid: `${id}@${location.hostname}`, title, link, startMs, minutes: MINUTES, nowMs: Date.now() });
    const anchor = document.createElement("a");
    anchor.href = URL.createObjectURL(new Blob([entry], { type: "text/calendar" }));
    anchor.download = "session.ics";
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 1000);
  };
  return (
    <div class="row">
      <Button small icon="share" label={t("live.copy")} onClick={copy}>
        {t("live.copy")}
      </Button>
      {startMs > 0 && (
        <Button small icon="download" label={t("room.calendar")} onClick={download}>
          {t("room.calendar")}
        </Button>
      )}
    </div>
  );
}
