/** Projects, folders, tags and assets as the library lists them. */
import { signal } from "@preact/signals";
import { projects as service, requestId } from "../app/api";
import { AssetOrder, type Asset, type Folder, type Project, type TagCount } from "../gen/rushes/project/v1/project_service_pb";
import { Permission } from "../gen/rushes/type/v1/access_pb";
import { pathOf, type Look, type OrderName } from "./look";

/** Whether a mask of permissions has one. */
export function may(mask: number, permission: Permission): boolean {
  return ((mask >>> permission) & 1) === 1;
}

const FIRST_PAGE = 200;
const PAGE = 1000;

/** undefined: not read yet. */
export const projectList = signal<readonly Project[] | undefined>(undefined);

/** Reads all projects. */
export async function loadProjects(): Promise<readonly Project[]> {
  const all: Project[] = [];
  let pageToken = "";
  do {
    const page = await service.listProjects({ pageSize: PAGE, pageToken });
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

// -- folders and tags ------------------------------------------------------------------------------------------

export interface Shelves {
  project: bigint;
  folders: readonly Folder[];
  tags: readonly TagCount[];
}

export const shelves = signal<Shelves | undefined>(undefined);

/** The folders and tags of a project, once they are known. */
export function shelvesOf(project: bigint): Shelves {
  const held = shelves.value;
  return held?.project === project ? held : { project, folders: [], tags: [] };
}

/** Reads the folders and tags of a project. */
export async function loadShelves(project: bigint): Promise<void> {
  const folders: Folder[] = [];
  let pageToken = "";
  do {
    const page = await service.listFolders({ projectId: project, pageSize: PAGE, pageToken });
    folders.push(...page.folders);
    pageToken = page.nextPageToken;
  } while (pageToken);
  const { tags } = await service.listTags({ projectId: project, pageSize: PAGE });
  shelves.value = { project, folders, tags };
}

// -- assets ----------------------------------------------------------------------------------------------------

export interface Listing {
  /** The address of what is listed. */
  key: string;
  project: bigint;
  assets: readonly Asset[];
  /** How many there are, those not read yet among them. */
  total: number;
  nextPage: string;
}

export const listing = signal<Listing | undefined>(undefined);
let reading = 0;
let goingOn: Promise<void> | undefined;

const ORDERS: Record<OrderName, AssetOrder> = {
  changed: AssetOrder.CHANGED,
  name: AssetOrder.NAME,
  created: AssetOrder.CREATED,
  status: AssetOrder.STATUS,
};

function request(project: bigint, look: Look): Parameters<typeof service.listAssets>[0] {
  return {
    projectId: project,
    query: look.query,
    tags: [...look.tags],
    statuses: [...look.statuses],
    order: ORDERS[look.order],
    deleted: look.trash,
    ...(look.folder ? { folderId: BigInt(look.folder) } : {}),
  };
}

let last: { project: bigint; look: Look } | undefined;

/** Reads what a look shows, as much of it as was there before; an older reading that comes later is not taken. */
export async function loadAssets(project: bigint, look: Look): Promise<void> {
  const mine = ++reading;
  goingOn = undefined;
  last = { project, look };
  const key = pathOf({ ...look, project: String(project) });
  const held = listing.peek();
  const wanted = held?.key === key ? held.assets.length : 0;
  const assets: Asset[] = [];
  let pageToken = "";
  let total: number;
  do {
    const pageSize = Math.min(PAGE, Math.max(FIRST_PAGE, wanted - assets.length));
    const page = await service.listAssets({ ...request(project, look), pageSize, pageToken });
    if (mine !== reading) return;
    assets.push(...page.assets);
    pageToken = page.nextPageToken;
    total = page.totalSize;
  } while (pageToken && assets.length < wanted);
  listing.value = { key, project, assets, total: Math.max(total, assets.length), nextPage: pageToken };
}

/** Reads again what is listed. */
export async function reload(): Promise<void> {
  if (last) await loadAssets(last.project, last.look);
}

/** Reads on until so many are there, or all. */
export async function ensure(count: number): Promise<void> {
  for (let held = listing.peek(); held?.nextPage && held.assets.length < count; held = listing.peek()) {
    goingOn ??= readOn().finally(() => (goingOn = undefined));
    const before = reading;
    await goingOn;
    if (before !== reading) return;
  }
}

async function readOn(): Promise<void> {
  const held = listing.peek();
  if (!held?.nextPage || !last) return;
  const mine = reading;
  const page = await service.listAssets({ ...request(last.project, last.look), pageSize: PAGE, pageToken: held.nextPage });
  if (mine !== reading) return;
  const known = new Set(held.assets.map((asset) => asset.assetId));
  const assets = [...held.assets, ...page.assets.filter((asset) => !known.has(asset.assetId))];
  const total = page.nextPageToken ? Math.max(page.totalSize, assets.length) : assets.length;
  listing.value = { ...held, assets, total, nextPage: page.nextPageToken };
}

/** Shows assets as they are now, where they stand. */
export function patch(changed: readonly Asset[]): void {
  const held = listing.peek();
  if (!held) return;
  const byId = new Map(changed.map((asset) => [asset.assetId, asset]));
  listing.value = { ...held, assets: held.assets.map((asset) => byId.get(asset.assetId) ?? asset) };
}

/** Takes assets out of the list. */
export function takeOut(ids: ReadonlySet<bigint>): void {
  const held = listing.peek();
  if (!held) return;
  const assets = held.assets.filter((asset) => !ids.has(asset.assetId));
  listing.value = { ...held, assets, total: held.total - (held.assets.length - assets.length) };
}
