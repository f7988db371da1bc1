/** Short words that come up, say what happened, and go: what failed stays until it is closed. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { t } from "../messages";
import { Button } from "./button";

export interface Toast {
  title: string;
  detail?: string;
  look?: "plain" | "good" | "bad";
  action?: { label: string; run: () => void };
  /** How long it stays, though something can be done about it; left out: until it is closed. */
  stayMs?: number;
}

const STAY_MS = 6000;
const MOST = 4;
const toasts = signal<readonly (Toast & { id: number })[]>([]);
let last = 0;

function drop(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Says it. The same words twice are shown once: what can be done about them is what was said last. */
export function say(toast: Toast): void {
  const same = toasts.value.find((other) => other.title === toast.title && other.detail === toast.detail);
  if (same && !toast.action) return;
  if (same) drop(same.id);
  const id = ++last;
  toasts.value = [...toasts.value, { ...toast, id }].slice(-MOST);
  const stayMs = toast.stayMs ?? (toast.look !== "bad" && !toast.action ? STAY_MS : 0);
  if (stayMs > 0) setTimeout(() => drop(id), stayMs);
}

/** The place where they come up. */
export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={`toast floating ${toast.look ?? ""}`}>
          <div class="grow">
            <p>{toast.title}</p>
            {toast.detail && <p>{toast.detail}</p>}
          </div>
          {toast.action && (
            <Button
              small
              label={toast.action.label}
              onClick={() => {
                toast.action?.run();
                drop(toast.id);
              }}
            >
              {toast.action.label}
            </Button>
          )}
          <Button small look="quiet" icon="close" label={t("ui.close")} onClick={() => drop(toast.id)} />
        </div>
      ))}
    </div>
  );
}
