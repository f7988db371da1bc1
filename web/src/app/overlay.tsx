/** What lies over any place: the palette, and the sheet of shortcuts, which is fetched when it is first asked for. */
import { signal } from "@preact/signals";
import type { FunctionComponent, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { explain } from "./error";
import { actionOf, isMac, isTyping } from "./keys";
import { Palette } from "./palette";
import { say } from "../ui/toast";

export type Overlay = "keys" | "palette";
type Sheet = FunctionComponent<{ close: () => void }>;

const shown = signal<Overlay | undefined>(undefined);

/** Shows it, or hides it where it is shown. */
export function toggleOverlay(which: Overlay): void {
  shown.value = shown.value === which ? undefined : which;
}

function hide(which: Overlay): void {
  if (shown.peek() === which) shown.value = undefined;
}

function useOverlayKeys(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && shown.peek() === "keys" && event.target === document.body) {
        event.stopPropagation();
        return hide("keys");
      }
      const action = actionOf(event, isMac(), isTyping(event.target));
      if (event.defaultPrevented || (action !== "help.keys" && action !== "help.palette")) return;
      // A key that is being chosen is whatever it is.
      if (event.target instanceof HTMLElement && "listening" in event.target.dataset) return;
      event.preventDefault();
      event.stopPropagation();
      toggleOverlay(action === "help.keys" ? "keys" : "palette");
    };
    // Before whatever has the focus.
    addEventListener("keydown", press, true);
    return () => removeEventListener("keydown", press, true);
  }, []);
}

/** What lies over the page now. */
export function Overlays(): JSX.Element | null {
  const which = shown.value;
  const [sheet, setSheet] = useState<{ KeySheet: Sheet }>();
  useOverlayKeys();
  useEffect(() => {
    if (which !== "keys" || sheet) return;
    import("./sheet").then(setSheet).catch((error: unknown) => {
      hide("keys");
      say({ title: explain(error), look: "bad" });
    });
  }, [which]);
  // What is typed right after its key is meant for it: it is not fetched only then.
  if (which === "palette") return <Palette close={() => hide("palette")} />;
  return which === "keys" && sheet ? <sheet.KeySheet close={() => hide("keys")} /> : null;
}
