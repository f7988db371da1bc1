/** How the review page has the past: one object a room, a banner that says what is shown, and keys. */
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { isTyping } from "../app/keys";
import { t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { exactly } from "../ui/when";
import { Past, type Mode } from "./past";
import { nameOf } from "./snapshots";

/** The past of a room, as long as it is open. */
export function usePast(room: Room): Past {
  const past = useMemo(() => new Past(room), [room]);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (isTyping(event.target) || !keyed(past, event)) return;
      event.preventDefault();
      event.stopPropagation();
    };
    addEventListener("keydown", press, true);
    return () => {
      removeEventListener("keydown", press, true);
      past.close();
    };
  }, [past]);
  return past;
}

/** While two are compared 1 and 2 show the one or the other, ` changes between them, Shift+W wipes; Escape goes back to now. */
function keyed(past: Past, event: KeyboardEvent): boolean {
  const showing = past.showing.peek();
  if (!showing || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "Escape") {
    past.show(undefined);
    return true;
  }
  if (showing.kind !== "compare") return false;
  const modes: Record<string, Mode> = { Digit1: "a", Digit2: "b", Backquote: showing.mode === "a" ? "b" : "a" };
  const mode = event.code === "KeyW" && event.shiftKey ? "wipe" : event.shiftKey ? undefined : modes[event.code];
  if (mode === undefined) return false;
  past.show({ ...showing, mode });
  return true;
}

/** Says that this is not now; nothing while it is. */
export function PastBanner({ past }: { past: Past }): JSX.Element | null {
  const showing = past.showing.value;
  if (!showing) return null;
  const words = {
    revision: () => (past.timeMs.value ? t("history.asOf", { time: exactly(past.timeMs.value) }) : t("history.beginning")),
    version: () => (showing.kind === "version" ? t("history.asIn", { name: nameOf(showing.version) }) : ""),
    compare: () => (showing.kind === "compare" ? t("history.comparing", { a: nameOf(showing.a), b: nameOf(showing.b) }) : ""),
  };
  return (
    <div class="banner quiet" role="status" data-testid="past-banner">
      <span class="grow">{words[showing.kind]()}</span>
      <Button small label={t("history.backToNow")} onClick={() => past.show(undefined)}>
        {t("history.backToNow")}
      </Button>
    </div>
  );
}
