/** What of a project the library shows, and the address that says it. Pure. */

export const ORDERS = ["changed", "name", "created", "status"] as const;
export type OrderName = (typeof ORDERS)[number];

export interface Look {
  /** Empty: the first. */
  project: string;
  /** Empty: the clips of all folders. */
  folder: string;
  trash: boolean;
  query: string;
  tags: readonly string[];
  statuses: readonly string[];
  order: OrderName;
}

const NUMBER = /^\d{1,18}$/;
const MOST = 32;

function number(value: string | null): string {
  return value !== null && NUMBER.test(value) ? value : "";
}

function list(params: URLSearchParams, name: string): string[] {
  return [...new Set(params.getAll(name).filter((each) => each !== "" && each.length <= 64))].slice(0, MOST);
}

/** What an address shows. */
export function lookOf(params: URLSearchParams): Look {
  const order = ORDERS.find((each) => each === params.get("order")) ?? "changed";
  return {
    project: number(params.get("project")),
    folder: number(params.get("folder")),
    trash: params.has("trash"),
    query: (params.get("q") ?? "").slice(0, 256),
    tags: list(params, "tag"),
    statuses: list(params, "status"),
    order,
  };
}

/** All but the project, as an address has it: what a view keeps. */
export function queryOf(look: Look): string {
  const params = new URLSearchParams();
  if (look.folder) params.set("folder", look.folder);
  if (look.trash) params.set("trash", "");
  if (look.query) params.set("q", look.query);
  for (const tag of look.tags) params.append("tag", tag);
  for (const status of look.statuses) params.append("status", status);
  if (look.order !== "changed") params.set("order", look.order);
  return params.toString();
}

/** The address of a look. */
export function pathOf(look: Look): string {
  const rest = queryOf(look);
  const project = look.project ? `project=${look.project}` : "";
  const query = [project, rest].filter(Boolean).join("&");
  return query ? `/?${query}` : "/";
}

/** Whether something is left out by search or filter. */
export function narrowed(look: Look): boolean {
  return look.query !== "" || look.tags.length > 0 || look.statuses.length > 0;
}

/** The list with one more, or without it where it was there. */
export function toggled(list: readonly string[], value: string): string[] {
  return list.includes(value) ? list.filter((each) => each !== value) : [...list, value];
}

export interface View {
  name: string;
  query: string;
}

/** Views as they were kept; what is not one is left out. */
export function viewsOf(raw: unknown): View[] {
  if (!Array.isArray(raw)) return [];
  return raw.flatMap((each: unknown): View[] => {
    const { name, query } = (each ?? {}) as Partial<Record<string, unknown>>;
    return typeof name === "string" && typeof query === "string" && name !== "" ? [{ name, query }] : [];
  });
}
