/** What others change in a project while one looks at it: a page of the newest is asked for when the service says that something did. */
import { createContextValues } from "@connectrpc/connect";
import { useEffect, useState } from "preact/hooks";
import { projects as service } from "../app/api";
import { PASSING } from "../app/kept_answers";
import { AssetOrder, ProjectService } from "../gen/rushes/project/v1/project_service_pb";
import { watch } from "../session/watch";
import { useTurns } from "../ui/turns";
import type { Look } from "./look";
import { NEWEST, plan, type Newest } from "./newest";
import { listing, loadShelves, patch, reload, type Listing } from "./store";

/** So often it is asked for while the service does not say, and so often all the same while it does. */
const EVERY_MS = 4000;
const SELDOM_MS = 60_000;

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
  const told = useTold(project);
  useTurns(told > 0 ? SELDOM_MS : EVERY_MS, newestOf(project, look), [project, look.trash, told]);
}

/** How often the service has said that something changed; 0 while it does not say. */
function useTold(project: bigint): number {
  const [told, setTold] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const heed = async (): Promise<void> => {
      const changes = watch(ProjectService.method.watchProject, { projectId: project }, stop.signal);
      while (!(await changes.next()).done) setTold((before) => before + 1);
    };
    heed().catch(() => undefined).finally(() => setTold(0));
    return () => stop.abort();
  }, [project]);
  return told;
}

let seen: { project: bigint; trash: boolean; newest: Newest } | undefined;
let last: Promise<void> = Promise.resolve();

/** One after the other: what was asked for earlier is not to be shown later. */
function newestOf(project: bigint, look: Look): () => Promise<void> {
  const next = async (): Promise<void> => {
    const before = seen?.project === project && seen.trash === look.trash ? seen.newest : undefined;
    seen = { project, trash: look.trash, newest: await turn(project, look, before) };
  };
  return () => (last = last.then(next, next));
}
