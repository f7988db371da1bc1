/** What the palette finds everywhere: places, projects, assets, languages, the sheet of shortcuts. */
import { currentLanguage, t } from "../messages";
import { choose, LANGUAGES, type LanguageCode } from "../messages/language";
import { projects } from "./api";
import { me } from "./auth";
import type { Found } from "./finder";
import { addFinder } from "./finder";
import { keysOf } from "./keys";
import { best, foremost } from "./match";
import { toggleOverlay } from "./overlay";
import { navigate, reviewPath, route } from "./router";

const MOST_ASSETS = 8;
const MOST_PROJECTS = 5;
const ASSET_WAIT_MS = 150;

function commands(): Found[] {
  const here = currentLanguage();
  const languages = (Object.entries(LANGUAGES) as [LanguageCode, string][]).filter(([code]) => code !== here);
  return [
    { id: "library", label: t("palette.library"), icon: "film", run: () => navigate("/") },
    { id: "keys", label: t("keys.title"), icon: "help", keys: keysOf("help.keys"), run: () => toggleOverlay("keys") },
    ...languages.map(([code, name]): Found => {
      return { id: `language-${code}`, label: t("palette.language", { name }), icon: "text", run: () => void choose(code) };
    }),
  ];
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new Error("given up"));
    });
  });
}

/** The project that one is in; undefined: it is not known. */
async function projectHere(signal: AbortSignal): Promise<bigint | undefined> {
  const place = route.peek();
  if (place.name === "library" && place.project) return BigInt(place.project);
  if (place.name !== "review") return undefined;
  const answer = await projects.getAsset({ assetId: BigInt(place.asset) }, { signal }).catch(() => undefined);
  return answer?.asset?.projectId;
}

async function assets(query: string, signal: AbortSignal): Promise<Found[]> {
  if (!me.peek() || query.trim().length < 2 || /^[\d:;+-]+$/.test(query.trim())) return [];
  await wait(ASSET_WAIT_MS, signal);
  const [{ projects: all }, here] = await Promise.all([projects.listProjects({ pageSize: 100 }, { signal }), projectHere(signal)]);
  const names = new Map(all.map(({ projectId, name }) => [projectId, name]));
  const places = best(all, ({ name }) => name, query, 3).map(({ projectId, name }): Found => {
    return { id: `project-${projectId}`, label: t("palette.project", { name }), icon: "film", run: () => navigate(`/?project=${projectId}`) };
  });
  // The project one is in first, and of the others not too many: each is asked for itself.
  const first = foremost(all, ({ projectId }) => projectId === here, MOST_PROJECTS);
  const pages = await Promise.all(
    first.map(({ projectId }) => projects.listAssets({ projectId, query: query.trim(), pageSize: MOST_ASSETS }, { signal })),
  );
  const found = pages
    .flatMap((page) => page.assets)
    .slice(0, MOST_ASSETS)
    .map(({ assetId, name, projectId }): Found => {
      const detail = `${t("palette.asset")} · ${names.get(projectId) ?? ""}`;
      return { id: `asset-${assetId}`, label: name, detail, icon: "film", run: () => navigate(reviewPath(String(assetId))) };
    });
  return [...found, ...places];
}

/** Adds them. */
export function addCommonFinders(): () => void {
  const stops = [addFinder(assets), addFinder((query) => best(commands(), ({ label }) => label, query, 6))];
  return () => stops.forEach((stop) => stop());
}
