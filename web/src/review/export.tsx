/** What can be downloaded of a cut: its notes as a file that the service writes, and the clip as it was uploaded. */
import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { exports as service, requestId } from "../app/api";
import { explain } from "../app/error";
import { Audience, Permission } from "../document";
import { ExportFormat, ExportService, type Export } from "../gen/rushes/media/v1/export_service_pb";
import { JobState } from "../gen/rushes/media/v1/job_service_pb";
import { t } from "../messages";
import { watch } from "../session/watch";
import { Button } from "../ui/button";
import { download, originalPath } from "../ui/download";
import { Item, Menu } from "../ui/menu";
import { say } from "../ui/toast";
import { bytes } from "../ui/when";
import type { Room } from "./room";

const FORMATS = [
  [ExportFormat.PDF, "export.pdf"],
  [ExportFormat.CSV, "export.csv"],
  [ExportFormat.JSON, "export.json"],
  [ExportFormat.OTIO, "export.otio"],
  [ExportFormat.OTIO_MARKERS, "export.otioMarkers"],
  [ExportFormat.EDL, "export.edl"],
  [ExportFormat.RESOLVE, "export.resolve"],
] as const;

/** Has the file written, follows it, and hands it over. */
async function run(room: Room, format: ExportFormat, audience: Audience, now: Signal<Export | undefined>, stop: AbortSignal): Promise<void> {
  const { videoId } = room.video;
  const begun = await service.createExport({ videoId, format, audience, assetId: room.asset.assetId, requestId: requestId() });
  now.value = begun.export;
  const exportId = begun.export?.exportId ?? "";
  for await (const answer of watch(ExportService.method.watchExport, { videoId, exportId }, stop)) now.value = answer.export;
  const ended = now.peek();
  if (ended?.state === JobState.DONE) {
    download(ended.path, ended.fileName);
    say({ title: t("export.done", { name: ended.fileName }), look: "good", ...(ended.remark ? { detail: ended.remark } : {}) });
  } else if (ended?.state === JobState.FAILED) {
    say({ title: t("export.failed"), detail: ended.error, look: "bad" });
  }
}

function Running({ room, now }: { room: Room; now: Export }): JSX.Element {
  const cancel = (): void => {
    const { videoId, exportId } = now;
    service.cancelExport({ videoId, exportId, requestId: requestId() }).catch((error: unknown) => say({ title: t("export.notStopped"), detail: explain(error), look: "bad" }));
  };
  const percent = Math.floor(now.progressPermille / 10);
  return (
    <div class="row export-running" data-video={String(room.video.videoId)}>
      <div class="bar grow" role="progressbar" aria-label={t("export.running")} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
        <i style={{ width: `${percent}%` }} />
      </div>
      <Button small look="quiet" label={t("ui.cancel")} onClick={cancel}>
        {t("ui.cancel")}
      </Button>
    </div>
  );
}

/** A file that is being written for whoever looks, and how one is begun. */
export interface Exporting {
  now: Signal<Export | undefined>;
  clientOnly: Signal<boolean>;
  begin: (format: ExportFormat) => void;
}

export function useExporting(room: Room): Exporting {
  const now = useSignal<Export | undefined>(undefined);
  const clientOnly = useSignal(false);
  const left = useSignal<AbortController | undefined>(undefined);
  useEffect(() => () => left.peek()?.abort(), [room]);
  const sees = room.session.seesInternal.value;
  const begin = (format: ExportFormat): void => {
    const stop = (left.value = new AbortController());
    const audience = sees && !clientOnly.peek() ? Audience.INTERNAL : Audience.CLIENT;
    run(room, format, audience, now, stop.signal)
      .catch((error: unknown) => (stop.signal.aborted ? undefined : say({ title: t("export.failed"), detail: explain(error), look: "bad" })))
      .finally(() => (now.value = undefined));
  };
  return { now, clientOnly, begin };
}

interface ChoicesProps {
  room: Room;
  exporting: Exporting;
  close: () => void;
}

/** What is in the menu. Those who read internal notes choose whether the file has them. */
export function ExportChoices({ room, exporting, close }: ChoicesProps): JSX.Element {
  const { now, clientOnly, begin } = exporting;
  if (now.value) return <Running room={room} now={now.value} />;
  const sees = room.session.seesInternal.value;
  return (
    <>
      <p class="menu-name faint">{t("export.notes")}</p>
      {sees && (
        <Item checked={clientOnly.value} onClick={() => (clientOnly.value = !clientOnly.value)}>
          {t("export.clientOnly")}
        </Item>
      )}
      {sees && <hr />}
      {FORMATS.map(([format, name]) => (
        <Item
          key={format}
          onClick={() => {
            close();
            begin(format);
          }}
        >
          {t(name)}
        </Item>
      ))}
      {room.has(Permission.DOWNLOAD) && (
        <>
          <hr />
          <Item
            icon="film"
            onClick={() => {
              close();
              download(originalPath(room.video.videoId), room.video.fileName);
            }}
          >
            {t("export.clip")} <span class="faint">{bytes(Number(room.video.sizeBytes))}</span>
          </Item>
        </>
      )}
    </>
  );
}

/** The menu. */
export function ExportMenu({ room, exporting }: { room: Room; exporting: Exporting }): JSX.Element {
  const { now } = exporting;
  return (
    <Menu icon="download" label={t("export.title")} face={now.value && <span class="mono">{Math.floor(now.value.progressPermille / 10)} %</span>}>
      {(close) => <ExportChoices room={room} exporting={exporting} close={close} />}
    </Menu>
  );
}
