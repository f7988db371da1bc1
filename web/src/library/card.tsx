/** An asset in the library: its poster, its name, its status, and where it is on its way. */
import type { JSX, TargetedMouseEvent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { jobs, requestId } from "../app/api";
import { explain } from "../app/error";
import { reviewPath } from "../app/router";
import { VideoState, type Video } from "../gen/rushes/media/v1/media_service_pb";
import type { Asset, Cut } from "../gen/rushes/project/v1/project_service_pb";
import { Permission } from "../gen/rushes/type/v1/access_pb";
import { t } from "../messages";
import { download, originalPath } from "../ui/download";
import { chooseFiles } from "../ui/dropzone";
import { Icon } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { say } from "../ui/toast";
import { ago, duration, exactly } from "../ui/when";
import { changeAssets, deleteAssets, purgeAssets, renameAsset, restoreAssets } from "./change";
import { ACCEPT } from "./plan";
import { remarksText } from "./remark";
import { StatusChoice, StatusFace } from "./status";
import { may } from "./store";
import { Strip } from "./strip";
import { take } from "./take";
import { refresh, REST_MS, useVideo } from "./video";

/** What a rate is called. */
export function rateText(video: Video): string {
  const { num, den } = video.rate ?? { num: 0n, den: 1n };
  const rate = Number(num) / Number(den);
  return String(Math.round(rate * 1000) / 1000);
}

function facts(video: Video | undefined): string {
  if (video?.state !== VideoState.READY) return "";
  const size = `${video.width}×${video.height}`;
  if (video.frameCount <= 1) return size;
  return `${duration(Number(video.durationUs) / 1e6)} · ${rateText(video)} fps · ${size}`;
}

/** What a video that is not ready is about. */
export function stageText(video: Video): string {
  const percent = Math.floor(video.progressPermille / 10);
  if (video.state === VideoState.UPLOADING) return t("asset.uploading", { percent });
  return t("asset.processing", { percent });
}

function Poster({ video }: { video: Video | undefined }): JSX.Element {
  const [broken, setBroken] = useState(false);
  if (!video) return <div class="poster" />;
  if (video.state === VideoState.FAILED) {
    return (
      <div class="poster poster-bad" title={video.error}>
        <Icon name="warn" size={22} />
        <span>{video.error || t("asset.failed")}</span>
      </div>
    );
  }
  if (video.state !== VideoState.READY) {
    return (
      <div class="poster">
        <span class="dim">{stageText(video)}</span>
        <div class="bar" role="progressbar" aria-label={stageText(video)} aria-valuemin={0} aria-valuemax={1000} aria-valuenow={video.progressPermille}>
          <i style={{ width: `${video.progressPermille / 10}%` }} />
        </div>
      </div>
    );
  }
  return (
    <div class="poster">
      {broken ? (
        <Icon name="film" size={28} />
      ) : (
        <img src={`/media/${video.videoId}/poster.jpg`} alt="" loading="lazy" decoding="async" onError={() => setBroken(true)} />
      )}
      {video.frameCount > 1 && <Strip video={video} />}
    </div>
  );
}

/** That something was remarkable about the file, and what. */
function Remarks({ video }: { video: Video | undefined }): JSX.Element | null {
  const said = remarksText(video?.remarks ?? []);
  if (!said) return null;
  return (
    <span class="card-remarks" role="img" aria-label={said} data-tip={said}>
      <Icon name="warn" size={14} />
    </span>
  );
}

async function retry(video: bigint): Promise<void> {
  try {
    await jobs.createJob({ videoId: video, requestId: requestId() });
    refresh(video);
  } catch (error) {
    say({ title: t("asset.retryFailed"), detail: explain(error), look: "bad" });
  }
}

async function stop(video: Video): Promise<void> {
  try {
    await jobs.cancelJob({ videoId: video.videoId, jobId: video.jobId, requestId: requestId() });
    refresh(video.videoId);
  } catch (error) {
    say({ title: t("asset.stopFailed"), detail: explain(error), look: "bad" });
  }
}

interface MenuProps {
  asset: Asset;
  cut: Cut | undefined;
  video: Video | undefined;
  rename: () => void;
  choose: () => void;
}

function CardMenu({ asset, cut, video, rename, choose }: MenuProps): JSX.Element {
  const { projectId, assetId } = asset;
  return (
    <Menu icon="more" small label={t("asset.menu", { name: asset.name })}>
      {(close) => {
        const item = (icon: "pen" | "upload" | "redo" | "close" | "trash" | "check" | "download", label: string, run: () => void): JSX.Element => (
          <Item
            icon={icon}
            onClick={() => {
              close();
              run();
            }}
          >
            {label}
          </Item>
        );
        if (asset.deletedMs !== 0n) {
          return (
            <>
              {item("redo", t("library.restore"), () => void restoreAssets(projectId, [assetId]))}
              {may(asset.permissions, Permission.ADMINISTER) &&
                item("trash", t("library.purge"), () => void purgeAssets(projectId, [assetId]))}
            </>
          );
        }
        return (
          <>
            {item("pen", t("library.rename"), rename)}
            {item("check", t("library.chooseOne"), choose)}
            {cut && video?.state === VideoState.READY && item("download", t("asset.download"), () => download(originalPath(cut.videoId), video.fileName))}
            {item("upload", t("asset.addCut"), () => chooseFiles(ACCEPT, (files) => take(files, projectId, assetId)))}
            {cut && video?.state === VideoState.FAILED && item("redo", t("asset.retry"), () => void retry(cut.videoId))}
            {video?.state === VideoState.PROCESSING && video.jobId !== 0n && item("close", t("asset.stop"), () => void stop(video))}
            {item("trash", t("library.delete"), () => void deleteAssets(projectId, [assetId]))}
          </>
        );
      }}
    </Menu>
  );
}

function Name({ asset, done }: { asset: Asset; done: () => void }): JSX.Element {
  // Not every browser tells a field that goes away, as when its card is scrolled out of sight.
  useEffect(() => done, []);
  // What is typed is the field's own: a card that is drawn again does not put the old name back.
  return (
    <input
      class="input card-rename"
      aria-label={t("library.rename")}
      maxLength={256}
      defaultValue={asset.name}
      ref={(field) => {
        if (!field || field === document.activeElement) return;
        field.focus();
        field.setSelectionRange(0, field.value.lastIndexOf(".") > 0 ? field.value.lastIndexOf(".") : field.value.length);
      }}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
        event.preventDefault();
        if (event.key === "Escape") event.currentTarget.value = asset.name;
        event.currentTarget.blur();
      }}
      onBlur={(event) => {
        void renameAsset(asset, event.currentTarget.value);
        done();
      }}
    />
  );
}

export interface CardProps {
  asset: Asset;
  /** Where it stands in the list, from 0, and of how many. */
  index: number;
  total: number;
  statuses: readonly string[];
  chosen: boolean;
  /** Something is chosen: a click chooses too. */
  choosing: boolean;
  /** Tab leads to it. */
  current: boolean;
  renaming: boolean;
  rename: (on: boolean) => void;
  choose: (index: number, extend: boolean) => void;
}

/** The card. */
export function Card(props: CardProps): JSX.Element {
  const { asset, index, chosen } = props;
  const cut = asset.cuts[0];
  const video = useVideo(cut?.videoId ?? 0n, REST_MS);
  const canChange = may(asset.permissions, Permission.UPLOAD);
  const path = reviewPath(String(asset.assetId));
  const click = (event: TargetedMouseEvent<HTMLAnchorElement>): void => {
    const wants = event.shiftKey || event.ctrlKey || event.metaKey || props.choosing;
    if (asset.deletedMs !== 0n || (canChange && wants)) {
      event.preventDefault();
      event.stopPropagation();
      if (canChange) props.choose(index, event.shiftKey);
    }
  };
  const status = asset.status || props.statuses[0] || "";
  return (
    <li class="card" data-chosen={chosen} aria-setsize={props.total} aria-posinset={index + 1}>
      <a
        class="card-face"
        href={path}
        aria-label={asset.name}
        data-index={index}
        tabIndex={props.current ? 0 : -1}
        draggable={canChange}
        onClick={click}
        onFocus={() => void import("../review/review")}
        onDragStart={(event) => event.dataTransfer?.setData("application/x-rushes-asset", String(asset.assetId))}
      >
        <Poster video={video} />
        {asset.cuts.length > 1 && cut && <span class="card-cut">v{cut.number}</span>}
      </a>
      {canChange && (
        <input
          type="checkbox"
          class="card-check"
          aria-label={t("library.choose", { name: asset.name })}
          tabIndex={-1}
          checked={chosen}
          onClick={(event) => props.choose(index, event.shiftKey)}
        />
      )}
      <div class="card-foot">
        <div class="grow">
          {props.renaming ? (
            <Name asset={asset} done={() => props.rename(false)} />
          ) : (
            <a class="clip card-name" href={path} title={asset.name} tabIndex={-1} onClick={click}>
              {asset.name}
            </a>
          )}
          <p class="row card-line">
            {canChange && asset.deletedMs === 0n ? (
              <StatusChoice
                status={status}
                statuses={props.statuses}
                label={t("asset.statusOf", { name: asset.name })}
                choose={(next) => void changeAssets(asset.projectId, [asset.assetId], { status: next })}
              />
            ) : (
              <StatusFace status={status} />
            )}
            <Remarks video={video} />
            <span class="faint clip grow" title={asset.tags.join(", ") || facts(video)}>
              {asset.tags.join(", ") || facts(video) || <span title={exactly(Number(asset.updatedMs))}>{ago(Number(asset.updatedMs), Date.now())}</span>}
            </span>
          </p>
        </div>
        {canChange && <CardMenu asset={asset} cut={cut} video={video} rename={() => props.rename(true)} choose={() => props.choose(index, false)} />}
      </div>
    </li>
  );
}
