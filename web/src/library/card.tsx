/** An asset in the library: its poster, its name, and where it is on its way. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { jobs, requestId } from "../app/api";
import { explain } from "../app/error";
import { reviewPath } from "../app/router";
import { VideoState, type Video } from "../gen/rushes/media/v1/media_service_pb";
import { Permission } from "../gen/rushes/type/v1/access_pb";
import type { Asset } from "../gen/rushes/project/v1/project_service_pb";
import { t } from "../messages";
import { chooseFiles } from "../ui/dropzone";
import { Icon } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { say } from "../ui/toast";
import { ago, duration, exactly } from "../ui/when";
import { ACCEPT } from "./plan";
import { may } from "./store";
import { take } from "./take";
import { refresh, useVideo } from "./video";

/** What a rate is called. */
export function rateText(video: Video): string {
  const { num, den } = video.rate ?? { num: 0n, den: 1n };
  const rate = Number(num) / Number(den);
  return String(Math.round(rate * 1000) / 1000);
}

function facts(video: Video | undefined): string {
  if (video?.state !== VideoState.READY) return "";
  const size = `${video.width} × ${video.height}`;
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
        <div class="bar" role="progressbar" aria-valuemin={0} aria-valuemax={1000} aria-valuenow={video.progressPermille}>
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
    </div>
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

/** The card. */
export function Card({ asset }: { asset: Asset }): JSX.Element {
  const cut = asset.cuts[0];
  const video = useVideo(cut?.videoId ?? 0n);
  const canUpload = may(asset.permissions, Permission.UPLOAD);
  const id = String(asset.assetId);
  return (
    <li class="card">
      <a class="card-face" href={reviewPath(id)} aria-label={asset.name}>
        <Poster video={video} />
        {asset.cuts.length > 1 && cut && <span class="card-cut">v{cut.number}</span>}
      </a>
      <div class="card-foot">
        <div class="grow">
          <a class="clip card-name" href={reviewPath(id)} title={asset.name}>
            {asset.name}
          </a>
          <p class="faint clip">
            {facts(video) || <span title={exactly(Number(asset.updatedMs))}>{ago(Number(asset.updatedMs), Date.now())}</span>}
          </p>
        </div>
        {asset.status && asset.status !== "wip" && <span class="card-status faint">{asset.status}</span>}
        {canUpload && (
          <Menu icon="more" small label={t("asset.menu", { name: asset.name })}>
            {(close) => (
              <>
                <Item
                  icon="upload"
                  onClick={() => {
                    close();
                    chooseFiles(ACCEPT, (files) => take(files, asset.projectId, asset.assetId));
                  }}
                >
                  {t("asset.addCut")}
                </Item>
                {cut && video?.state === VideoState.FAILED && (
                  <Item
                    icon="redo"
                    onClick={() => {
                      close();
                      void retry(cut.videoId);
                    }}
                  >
                    {t("asset.retry")}
                  </Item>
                )}
                {video?.state === VideoState.PROCESSING && video.jobId !== 0n && (
                  <Item
                    icon="close"
                    onClick={() => {
                      close();
                      void stop(video);
                    }}
                  >
                    {t("asset.stop")}
                  </Item>
                )}
              </>
            )}
          </Menu>
        )}
      </div>
    </li>
  );
}
