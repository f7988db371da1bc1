/** Places in the page and their addresses. */
import { signal } from "@preact/signals";

/** What is looked at in the review page. */
export interface ReviewPlace extends Sight {
  name: "review";
  asset: string;
  cut: number | undefined;
  frame: number | undefined;
  note: string;
}

/** How it is looked at, as short texts that the parts of the page read; empty: as at first. */
export interface Sight {
  /** Zoom and place of the picture. */
  look: string;
  /** Which notes are shown. */
  filter: string;
  /** What it is compared with. */
  compare: string;
  /** The live room that one is in, or is asked into. */
  live: string;
  /** The live room whose session is watched again. */
  replay: string;
}

const SIGHT = { look: "z", filter: "q", compare: "c", live: "r", replay: "p" } as const satisfies Record<keyof Sight, string>;
const SIGHT_MOST = 400;

export type Route =
  | { name: "library"; project: string }
  | ReviewPlace
  | { name: "invite"; secret: string; next: string }
  | { name: "signIn"; next: string }
  | { name: "lost" };

const NUMBER = /^\d{1,18}$/;

function whole(value: string | null): number | undefined {
  return value !== null && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** The place of an address. */
export function parse(url: URL): Route {
  const { pathname, searchParams, hash } = url;
  if (pathname === "/") {
    const project = searchParams.get("project") ?? "";
    return { name: "library", project: NUMBER.test(project) ? project : "" };
  }
  if (pathname === "/sign-in") return { name: "signIn", next: inside(searchParams.get("next")) };
  if (pathname === "/invite") return { name: "invite", secret: hash.slice(1), next: inside(searchParams.get("next")) };
  const asset = /^\/a\/(\d{1,18})\/?$/.exec(pathname)?.[1];
  if (asset === undefined) return { name: "lost" };
  const note = searchParams.get("n") ?? "";
  const sight = (name: keyof Sight): string => (searchParams.get(SIGHT[name]) ?? "").slice(0, SIGHT_MOST);
  return {
    name: "review",
    asset,
    cut: whole(searchParams.get("v")),
    frame: whole(searchParams.get("f")),
    note: /^[0-9a-f]{32}$/.test(note) ? note : "",
    look: sight("look"),
    filter: sight("filter"),
    compare: sight("compare"),
    live: sight("live"),
    replay: sight("replay"),
  };
}

/** An address within the page to go on to; anything else is the library's. */
export function inside(next: string | null): string {
  return next?.startsWith("/") && !next.startsWith("//") && !next.includes("\\") ? next : "/";
}

/** The address of a frame of an asset. */
export function reviewPath(asset: string, cut?: number, frame?: number, note?: string, sight: Partial<Sight> = {}): string {
  const query = new URLSearchParams();
  if (cut !== undefined) query.set("v", String(cut));
  if (frame !== undefined) query.set("f", String(frame));
  if (note) query.set("n", note);
  for (const [name, key] of Object.entries(SIGHT) as [keyof Sight, string][]) if (sight[name]) query.set(key, sight[name]);
  // A comma is allowed in an address, and read more easily than its code.
  const text = query.toString().replaceAll("%2C", ",");
  return `/a/${asset}${text ? `?${text}` : ""}`;
}

export const route = signal<Route>({ name: "lost" });

/** Goes to a place. */
export function navigate(path: string, replace = false): void {
  history[replace ? "replaceState" : "pushState"](null, "", path);
  route.value = parse(new URL(location.href));
}

/** Writes where one is into the address, without going anywhere. */
export function rewrite(path: string): void {
  if (location.pathname + location.search !== path) history.replaceState(history.state, "", path);
}

/** Follows the address from now on, and links of the page. */
export function follow(): void {
  const read = (): void => {
    route.value = parse(new URL(location.href));
  };
  addEventListener("popstate", read);
  addEventListener("hashchange", read);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[href]") : null;
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || link.target || link.download || link.origin !== location.origin) return;
    event.preventDefault();
    navigate(link.pathname + link.search + link.hash);
  });
  read();
}
