/** Something that is done again and again while the page is looked at: one at a time, and not at all while it is out of sight. */
import { useEffect, useRef } from "preact/hooks";

/** Runs at once, and so long after each end; what fails is tried again in the next turn. Of a page that comes back into sight at once. */
export function useTurns(everyMs: number, run: () => Promise<unknown>, of: readonly unknown[]): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const stop = new AbortController();
    const over = (): boolean => stop.signal.aborted;
    let timer = 0;
    let busy = false;
    const turn = async (): Promise<void> => {
      clearTimeout(timer);
      if (busy || over() || document.visibilityState !== "visible") return;
      busy = true;
      await latest.current().catch(() => undefined);
      busy = false;
      // What came back into sight meanwhile goes on with this turn.
      if (!over()) timer = window.setTimeout(() => void turn(), everyMs);
    };
    const seen = (): void => void turn();
    void turn();
    document.addEventListener("visibilitychange", seen, { signal: stop.signal });
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, of);
}
