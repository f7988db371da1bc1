/** What the palette finds: each place of the page adds what can be done and gone to there. */
import { useEffect } from "preact/hooks";
import type { IconName } from "../ui/icon";

export interface Found {
  id: string;
  label: string;
  /** What it is, or where. */
  detail?: string;
  keys?: string;
  icon?: IconName;
  run: () => void;
}

/** Gives what matches a query, the best first. What takes long may be given up: then the answer is not looked at. */
export type Finder = (query: string, giveUp: AbortSignal) => readonly Found[] | Promise<readonly Found[]>;

const finders = new Set<Finder>();

/** Adds a finder; what it gives takes it away again. */
export function addFinder(finder: Finder): () => void {
  finders.add(finder);
  return () => void finders.delete(finder);
}

/** Adds a finder while the component is there. */
export function useFinder(finder: Finder, inputs: unknown[]): void {
  useEffect(() => addFinder(finder), inputs);
}

/** Asks all finders, those of the place one is at first, and tells what is found as it comes. */
export function find(query: string, signal: AbortSignal, tell: (found: readonly Found[]) => void): void {
  const parts: (readonly Found[])[] = [];
  [...finders].reverse().forEach((finder, at) => {
    parts[at] = [];
    const take = (found: readonly Found[]): void => {
      if (signal.aborted) return;
      parts[at] = found;
      tell(parts.flat());
    };
    const answer = finder(query, signal);
    if (answer instanceof Promise) answer.then(take, () => undefined);
    else take(answer);
  });
}
