/** What can be done with assets, folders and projects: asked of the service, shown at once, and said when it failed. */
import { projects as service, requestId } from "../app/api";
import { explain } from "../app/error";
import type { Asset, Folder, Project } from "../gen/rushes/project/v1/project_service_pb";
import { count, t } from "../messages";
import { say } from "../ui/toast";
import { loadProjects, loadShelves, patch, reload, takeOut } from "./store";

const MOST_AT_ONCE = 1000;
const UNDO_STAYS_MS = 15_000;

export interface Batch {
  status?: string;
  folderId?: bigint;
  addTags?: string[];
  removeTags?: string[];
}

/** Does it, and says when it failed; whether it was done. */
async function attempt(title: string, run: () => Promise<void>): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    say({ title, detail: explain(error), look: "bad" });
    return false;
  }
}

async function inParts(ids: readonly bigint[], run: (part: bigint[]) => Promise<void>): Promise<void> {
  for (let at = 0; at < ids.length; at += MOST_AT_ONCE) await run(ids.slice(at, at + MOST_AT_ONCE));
}

/** Changes assets of a project. */
export function changeAssets(project: bigint, ids: readonly bigint[], what: Batch): Promise<boolean> {
  return attempt(t("library.changeFailed"), async () => {
    await inParts(ids, async (assetIds) => {
      const { assets } = await service.batchUpdateAssets({ projectId: project, assetIds, ...what, requestId: requestId() });
      patch(assets);
    });
    if (what.folderId !== undefined) await reload();
    if (what.folderId !== undefined || what.addTags || what.removeTags) await loadShelves(project);
  });
}

/** Gives an asset another name. */
export function renameAsset(asset: Asset, name: string): Promise<boolean> {
  const wanted = name.trim();
  if (!wanted || wanted === asset.name) return Promise.resolve(true);
  return attempt(t("library.renameFailed"), async () => {
    const answer = await service.updateAsset({
      asset: { assetId: asset.assetId, name: wanted },
      updateMask: { paths: ["name"] },
      requestId: requestId(),
    });
    if (answer.asset) patch([answer.asset]);
  });
}

/** Puts assets into the trash; it can be taken back at once. */
export async function deleteAssets(project: bigint, ids: readonly bigint[]): Promise<void> {
  const done = await attempt(t("library.deleteFailed"), async () => {
    await inParts(ids, async (assetIds) => {
      await service.deleteAssets({ projectId: project, assetIds, requestId: requestId() });
      takeOut(new Set(assetIds));
    });
    await refresh(project);
  });
  const undo = { label: t("library.undo"), run: () => void restoreAssets(project, ids) };
  if (done) say({ title: count("library.deleted", ids.length), action: undo, stayMs: UNDO_STAYS_MS });
}

/** Takes assets out of the trash. */
export async function restoreAssets(project: bigint, ids: readonly bigint[]): Promise<void> {
  const done = await attempt(t("library.restoreFailed"), async () => {
    await inParts(ids, async (assetIds) => {
      await service.restoreAssets({ projectId: project, assetIds, requestId: requestId() });
    });
    await refresh(project);
    await reload();
  });
  if (done) say({ title: count("library.restored", ids.length), look: "good" });
}

/** Removes assets that are in the trash for good. */
export function purgeAssets(project: bigint, ids: readonly bigint[]): Promise<boolean> {
  return attempt(t("library.purgeFailed"), async () => {
    await inParts(ids, async (assetIds) => {
      await service.purgeAssets({ projectId: project, assetIds, requestId: requestId() });
      takeOut(new Set(assetIds));
    });
  });
}

/** Makes a folder. */
export function makeFolder(project: bigint, parentId: bigint, name: string): Promise<boolean> {
  return attempt(t("folder.makeFailed"), async () => {
    await service.createFolder({ projectId: project, parentId, name, requestId: requestId() });
    await loadShelves(project);
  });
}

/** Gives a folder another name or place. */
export function changeFolder(folder: Folder, what: { name?: string; parentId?: bigint }): Promise<boolean> {
  return attempt(t("folder.changeFailed"), async () => {
    const { projectId, folderId } = folder;
    const paths = [...(what.name === undefined ? [] : ["name"]), ...(what.parentId === undefined ? [] : ["parent_id"])];
    await service.updateFolder({ folder: { projectId, folderId, ...what }, updateMask: { paths }, requestId: requestId() });
    await loadShelves(projectId);
  });
}

/** Removes a folder; what is in it moves up. */
export function removeFolder(folder: Folder): Promise<boolean> {
  return attempt(t("folder.removeFailed"), async () => {
    const { projectId, folderId } = folder;
    await service.deleteFolder({ projectId, folderId, requestId: requestId() });
    await loadShelves(projectId);
    await reload();
  });
}

/** Gives a project another name, or other statuses. */
export function changeProject(project: Project, what: { name?: string; statuses?: string[] }): Promise<boolean> {
  return attempt(t("project.changeFailed"), async () => {
    const paths = Object.keys(what);
    await service.updateProject({
      project: { projectId: project.projectId, ...what },
      updateMask: { paths },
      requestId: requestId(),
    });
    await loadProjects();
  });
}

/** Deletes a project of which nothing is left. */
export function deleteProject(project: Project): Promise<boolean> {
  return attempt(t("project.deleteFailed"), async () => {
    await service.deleteProject({ projectId: project.projectId, requestId: requestId() });
    await loadProjects();
  });
}

async function refresh(project: bigint): Promise<void> {
  await Promise.all([loadProjects(), loadShelves(project)]);
}
