/** The uploads of this page, in a small panel that stays while one walks about. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { reviewPath } from "../app/router";
import { count, t } from "../messages";
import { Button } from "../ui/button";
import { bytes, duration } from "../ui/when";
import { cancel, dismiss, pause, resume, uploads, type Upload } from "./upload";

function status(upload: Upload): string {
  const sent = `${bytes(upload.sentBytes)} / ${bytes(upload.sizeBytes)}`;
  switch (upload.state) {
    case "waiting":
      return t("upload.waiting");
    case "paused":
      return t("upload.paused", { sent });
    case "finishing":
      return t("upload.finishing");
    case "done":
      return t("upload.done", { size: bytes(upload.sizeBytes) });
    case "failed":
      return upload.error;
    case "sending": {
      const { bytesPerSecond, sizeBytes, sentBytes } = upload;
      if (bytesPerSecond <= 0) return sent;
      const left = duration((sizeBytes - sentBytes) / bytesPerSecond);
      return t("upload.sending", { sent, speed: bytes(bytesPerSecond), left });
    }
  }
}

function Line({ upload }: { upload: Upload }): JSX.Element {
  const { id, state, name, sizeBytes, sentBytes } = upload;
  const permille = sizeBytes > 0 ? Math.round((sentBytes / sizeBytes) * 1000) : 0;
  const open = state === "sending" || state === "waiting";
  return (
    <li class="upload" data-state={state}>
      <div class="row">
        <span class="grow clip" title={name}>
          {upload.asset !== 0n ? <a href={reviewPath(String(upload.asset))}>{name}</a> : name}
        </span>
        {open && <Button small look="quiet" icon="pause" label={t("upload.pause")} onClick={() => pause(id)} />}
        {(state === "paused" || state === "failed") && (
          <Button small look="quiet" icon="resume" label={t("upload.resume")} onClick={() => resume(id)} />
        )}
        {state === "done" ? (
          <Button small look="quiet" icon="close" label={t("ui.close")} onClick={() => dismiss(id)} />
        ) : (
          <Button small look="quiet" icon="close" label={t("upload.cancel")} disabled={state === "finishing"} onClick={() => cancel(id)} />
        )}
      </div>
      {state !== "done" && (
        <div class="bar" role="progressbar" aria-label={name} aria-valuemin={0} aria-valuemax={1000} aria-valuenow={permille}>
          <i style={{ width: `${permille / 10}%` }} />
        </div>
      )}
      <p class={state === "failed" ? "upload-bad" : "faint"}>{status(upload)}</p>
    </li>
  );
}

/** The panel; nothing while nothing is sent. */
export function Uploads(): JSX.Element | null {
  const small = useSignal(false);
  const list = uploads.value;
  if (list.length === 0) return null;
  const open = list.filter((upload) => upload.state !== "done").length;
  return (
    <section class="uploads floating" aria-label={t("upload.title")}>
      <header class="row">
        <span class="grow">{open > 0 ? count("upload.count", open) : t("upload.allDone")}</span>
        <Button
          small
          look="quiet"
          icon={small.value ? "plus" : "down"}
          label={small.value ? t("ui.show") : t("ui.hide")}
          expanded={!small.value}
          onClick={() => (small.value = !small.value)}
        />
        {open === 0 && (
          <Button small look="quiet" icon="close" label={t("ui.close")} onClick={() => list.forEach((upload) => dismiss(upload.id))} />
        )}
      </header>
      {!small.value && (
        <ul>
          {list.map((upload) => (
            <Line key={upload.id} upload={upload} />
          ))}
        </ul>
      )}
    </section>
  );
}
