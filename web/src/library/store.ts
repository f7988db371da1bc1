/** Projects and assets as the library lists them. */
import { signal } from "@preact/signals";
import { projects as service, requestId } from "../app/api";
import { Permission } from "../gen/rushes/type/v1/access_pb";
import type { Asset, Project } from "../gen/rushes/project/v1/project_service_pb";

/** Whether a mask of permissions has one. */
export function may(mask: number, permission: Permission): boolean {
  return ((mask >>> permission) & 1) === 1;
}

const PAGE = 100;

/** undefined: not read yet. */
export const projectList = signal<readonly Project[] | undefined>(undefined);

/** Reads all projects. */
export async function loadProjects(): Promise<readonly Project[]> {
  const all: Project[] = [];
  let pageToken = "";
  do {
    const page = await service.listProjects({ pageSize: 1000, pageToken });
    all.push(...page.projects);
    pageToken = page.nextPageToken;
  } while (pageToken);
  projectList.value = all;
  return all;
}

/** Makes a project. */
export async function createProject(name: string): Promise<Project | undefined> {
  const { project } = await service.createProject({ name, requestId: requestId() });
  await loadProjects();
  return project;
}

export interface Listing {
  project: bigint;
  query: string;
  assets: readonly Asset[];
  nextPage: string;
}

export const listing = signal<Listing | undefined>(undefined);
let reading = 0;

/** Reads the first page of a project's assets; an older reading that comes later is not taken. */
export async function loadAssets(project: bigint, query: string): Promise<void> {
  const mine = ++reading;
  const held = listing.peek();
  const same = held?.project === project && held.query === query;
  const pageSize = Math.min(1000, Math.max(PAGE, same ? held.assets.length : 0));
  const page = await service.listAssets({ projectId: project, query, pageSize });
  if (mine !== reading) return;
  listing.value = { project, query, assets: page.assets, nextPage: page.nextPageToken };
}

/** Reads on. */
export async function loadMore(): Promise<void> {
  const held = listing.peek();
  if (!held?.nextPage) return;
  const mine = ++reading;
  const page = await service.listAssets({
    projectId: held.project,
    query: held.query,
    pageSize: PAGE,
    pageToken: held.nextPage,
  });
  if (mine !== reading) return;
  const known = new Set(held.assets.map((asset) => asset.assetId));
  const assets = [...held.assets, ...page.assets.filter((asset) => !known.has(asset.assetId))];
  listing.value = { ...held, assets, nextPage: page.nextPageToken };
}
