/** The page's service worker: begun once the page stands, told who is here, and followed when a new build is ready. */
import { effect } from "@preact/signals";
import { t } from "../messages";
import { say } from "../ui/toast";
import type { ToWorker } from "../worker/message";
import { me } from "./auth";

const LOOK_AGAIN_MS = 3600_000;

function tell(worker: ServiceWorker | null, message: ToWorker): void {
  worker?.postMessage(message);
}

/** Says that a new build waits; who wants it, gets it with a reload. */
function offer(waiting: ServiceWorker): void {
  const run = (): void => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
    tell(waiting, { kind: "takeOver" });
  };
  say({ title: t("shell.newVersion"), detail: t("shell.newVersionDetail"), action: { label: t("shell.reload"), run } });
}

function follow(registration: ServiceWorkerRegistration): void {
  if (registration.waiting && navigator.serviceWorker.controller) offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const { installing } = registration;
    installing?.addEventListener("statechange", () => {
      // The first one takes over at once: there is nothing older.
      if (installing.state === "installed" && navigator.serviceWorker.controller) offer(installing);
    });
  });
  let lookedMs = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || Date.now() - lookedMs < LOOK_AGAIN_MS) return;
    lookedMs = Date.now();
    registration.update().catch(() => undefined);
  });
}

async function begin(): Promise<void> {
  follow(await navigator.serviceWorker.register("/worker.js"));
  const { active } = await navigator.serviceWorker.ready;
  effect(() => {
    const personId = me.value?.personId ?? "";
    tell(navigator.serviceWorker.controller ?? active, { kind: "person", personId });
  });
}

/** Begins it, when the page is there and has nothing more urgent to do. Without one all works but for being offline from the start. */
export function beginWorker(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const go = (): void => void begin().catch(() => undefined);
  if (document.readyState === "complete") go();
  else addEventListener("load", go, { once: true });
}
