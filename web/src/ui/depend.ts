/** What an effect runs again for, beside what it reads. */
import type { ReadonlySignal } from "@preact/signals";

/** Reads them. */
export function depend(...signals: readonly ReadonlySignal<unknown>[]): void {
  signals.forEach((each) => each.value);
}
