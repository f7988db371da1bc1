/** The clips before and after one, in the order in which the library shows them. */
import { media, projects } from "../app/api";
import { explain } from "../app/error";
import { navigate, reviewPath } from "../app/router";
import { RenditionKind, VideoState } from "../gen/rushes/media/v1/media_service_pb";
import type { Asset } from "../gen/rushes/project/v1/project_service_pb";
import { ensure, listing } from "../library/store";
import { t } from "../messages";
import { say } from "../ui/toast";

const PAGE = 500;
const PAGES_MOST = 20;
/** Of a clip that may be opened next, so much is fetched: enough for its first picture. */
const HEAD_BYTES = 1 << 19;

export interface Around {
  previous: Asset | undefined;
  next: Asset | undefined;
}

/** What stands around an asset in a list; undefined: it is not in it. */
export function around(assets: readonly Asset[], assetId: bigint): Around | undefined {
  const at = assets.findIndex((each) => each.assetId === assetId);
  return at < 0 ? undefined : { previous: assets[at - 1], next: assets[at + 1] };
}

/** The clips around an asset: of the list that the library shows when it is in it, else of its whole project. */
export async function clipsAround(asset: Asset): Promise<Around> {
  const shown = listing.peek();
  const found = shown?.project === asset.projectId ? around(shown.assets, asset.assetId) : undefined;
  if (found?.next) return found;
  if (found && shown) {
    await ensure(shown.assets.length + 1);
    return around(listing.peek()?.assets ?? [], asset.assetId) ?? found;
  }
  let all: Asset[] = [];
  let pageToken = "";
  for (let page = 0; page < PAGES_MOST; page++) {
    const answer = await projects.listAssets({ projectId: asset.projectId, pageSize: PAGE, pageToken });
    // Of what lies behind only the last clip can be the one before.
    all = [...all.slice(-2), ...answer.assets];
    const here = around(all, asset.assetId);
    pageToken = answer.nextPageToken;
    if (here && (here.next || !pageToken)) return here;
    if (!pageToken) break;
  }
  return around(all, asset.assetId) ?? { previous: undefined, next: undefined };
}

/** Goes to the cut before or after; beyond the last one to the clip before or after. */
export async function goToCut(asset: Asset, from: number, by: 1 | -1, goTo: (number: number) => void): Promise<void> {
  const numbers = asset.cuts.map((cut) => cut.number).sort((a, b) => a - b);
  const number = numbers[numbers.indexOf(from) + by];
  if (number !== undefined) return goTo(number);
  try {
    const { previous, next } = await clipsAround(asset);
    const clip = by > 0 ? next : previous;
    if (clip) navigate(reviewPath(String(clip.assetId)));
    else say({ title: t(by > 0 ? "review.lastClip" : "review.firstClip") });
  } catch (error) {
    say({ title: t("review.cannotOpen"), detail: explain(error), look: "bad" });
  }
}

/** Fetches the beginning of a video, so that it is here when it is opened. */
export async function fetchHead(videoId: bigint, stop: AbortSignal): Promise<void> {
  const { video } = await media.getVideo({ videoId }, { signal: stop });
  if (video?.state !== VideoState.READY) return;
  const { renditions } = await media.listRenditions({ videoId }, { signal: stop });
  const review = renditions.find(({ kind }) => kind === RenditionKind.REVIEW);
  if (!review?.contentType.startsWith("video/")) return;
  const answer = await fetch(review.path, { headers: { Range: `bytes=0-${HEAD_BYTES - 1}` }, signal: stop, priority: "low" });
  await answer.arrayBuffer();
}
