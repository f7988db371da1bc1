/** Folders as a tree. Pure. */

export interface FolderFacts {
  folderId: bigint;
  parentId: bigint;
  name: string;
  assetCount: number;
}

export interface Branch<F extends FolderFacts = FolderFacts> {
  folder: F;
  depth: number;
  inside: Branch<F>[];
  /** Clips in it and in all that it holds. */
  total: number;
}

/** The tree, in the order that the folders come in. A folder whose parent is not there stands at the top. */
export function treeOf<F extends FolderFacts>(folders: readonly F[]): Branch<F>[] {
  const known = new Set(folders.map((folder) => folder.folderId));
  const children = new Map<bigint, F[]>();
  for (const folder of folders) {
    const parent = known.has(folder.parentId) ? folder.parentId : 0n;
    children.set(parent, [...(children.get(parent) ?? []), folder]);
  }
  const grow = (parent: bigint, depth: number): Branch<F>[] =>
    (children.get(parent) ?? []).map((folder) => {
      const inside = grow(folder.folderId, depth + 1);
      return { folder, depth, inside, total: folder.assetCount + inside.reduce((sum, each) => sum + each.total, 0) };
    });
  return grow(0n, 0);
}

/** The tree as lines, each folder before what it holds. */
export function linesOf<F extends FolderFacts>(tree: readonly Branch<F>[]): Branch<F>[] {
  return tree.flatMap((branch) => [branch, ...linesOf(branch.inside)]);
}

/** The folders from the top down to one. */
export function wayTo<F extends FolderFacts>(folders: readonly F[], id: bigint): F[] {
  const byId = new Map(folders.map((folder) => [folder.folderId, folder]));
  const way: F[] = [];
  for (let here = byId.get(id); here && !way.includes(here); here = byId.get(here.parentId)) way.unshift(here);
  return way;
}

/** A folder and all that it holds: where it cannot be put. */
export function within(folders: readonly FolderFacts[], id: bigint): Set<bigint> {
  const branch = linesOf(treeOf(folders)).find(({ folder }) => folder.folderId === id);
  return new Set(branch ? linesOf([branch]).map(({ folder }) => folder.folderId) : []);
}
