/** What others change in a project while one looks at it: asked for every few seconds, a page of the newest, and shown. */
import { createContextValues } from "@connectrpc/connect";
import { projects as service } from "../app/api";
import { PASSING } from "../app/kept_answers";
import { AssetOrder } from "../gen/rushes/project/v1/project_service_pb";
import { useTurns } from "../ui/turns";
import type { Look } from "./look";
import { NEWEST, plan, type Newest } from "./newest";
import { listing, loadShelves, patch, reload, type Listing } from "./store";

const EVERY_MS = 4000;

async function turn(project: bigint, look: Look, before: Newest | undefined): Promise<Newest> {
  const asked = { projectId: project, pageSize: NEWEST, order: AssetOrder.CHANGED, deleted: look.trash };
  const answer = await service.listAssets(asked, { contextValues: createContextValues().set(PASSING, true) });
  const now = { assets: answer.assets, total: answer.totalSize };
  const held: Listing | undefined = listing.peek();
  if (held?.project !== project) return now;
  const wanted = plan(before, now, held);
  if (wanted === "nothing") return now;
  if (wanted === "reload") await reload();
  else patch(wanted);
  await loadShelves(project);
  return now;
}

/** Keeps what is listed of a project as it is. */
export function useFresh(project: bigint, look: Look): void {
  useTurns(EVERY_MS, newestOf(project, look), [project, look.trash]);
}

let seen: { project: bigint; trash: boolean; newest: Newest } | undefined;

function newestOf(project: bigint, look: Look): () => Promise<void> {
  return async () => {
    const before = seen?.project === project && seen.trash === look.trash ? seen.newest : undefined;
    seen = { project, trash: look.trash, newest: await turn(project, look, before) };
  };
}
