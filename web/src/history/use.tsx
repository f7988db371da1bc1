/** How the review page has the past: one object a room, a banner that says what is shown. */
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { exactly } from "../ui/when";
import { Past } from "./past";
import { nameOf } from "./snapshots";

/** The past of a room, as long as it is open. */
export function usePast(room: Room): Past {
  const past = useMemo(() => new Past(room), [room]);
  useEffect(() => () => past.close(), [past]);
  return past;
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
