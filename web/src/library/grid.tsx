/** The grid of cards: of any number only those are there that can be seen. Arrows move, Enter opens, Space chooses. */
import { useComputed, useSignal, type Signal } from "@preact/signals";
import type { JSX, TargetedKeyboardEvent } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { explain } from "../app/error";
import { isTyping } from "../app/keys";
import type { Project } from "../gen/rushes/project/v1/project_service_pb";
import { Permission } from "../gen/rushes/type/v1/access_pb";
import { t } from "../messages";
import { say } from "../ui/toast";
import { Card } from "./card";
import { deleteAssets } from "./change";
import { heightOf, layoutOf, scrollTo, spanOf, step, type Layout, type Span } from "./layout";
import { extend, NONE, pruned, toggle, type Selection } from "./selection";
import { ensure, listing as held, may, type Listing } from "./store";

export interface GridProps {
  project: Project;
  listing: Listing;
  /** What is chosen. */
  selection: Signal<Selection>;
  /** Which one gets another name; 0: none. */
  renaming: Signal<bigint>;
}

function tell(error: unknown): void {
  say({ title: explain(error), look: "bad" });
}

/** Chooses all that is listed, reading what was not read yet. */
export async function chooseAll(selection: Signal<Selection>): Promise<void> {
  await ensure(held.peek()?.total ?? 0).catch(tell);
  selection.value = { ids: new Set(held.peek()?.assets.map((asset) => asset.assetId)), anchor: -1 };
}

/** Measures the place that scrolls, and gives which cards are to be there: rendered again for another row, not for each pixel. */
function useSpan(total: number): { place: { current: HTMLDivElement | null }; layout: Layout; span: Span } {
  const place = useRef<HTMLDivElement>(null);
  const size = useSignal({ width: 0, height: 0 });
  const top = useSignal(0);
  useLayoutEffect(() => {
    const scroller = place.current?.parentElement;
    if (!scroller) return;
    const measure = (): void => {
      const { clientWidth: width, clientHeight: height } = scroller;
      const style = getComputedStyle(scroller);
      const inner = width - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      if (inner !== size.peek().width || height !== size.peek().height) size.value = { width: inner, height };
    };
    const scroll = (): void => {
      top.value = scroller.scrollTop;
    };
    measure();
    scroll();
    const watch = new ResizeObserver(measure);
    watch.observe(scroller);
    scroller.addEventListener("scroll", scroll, { passive: true });
    return () => {
      watch.disconnect();
      scroller.removeEventListener("scroll", scroll);
    };
  }, []);
  const layout = useComputed(() => layoutOf(size.value.width || 1000));
  const count = useSignal(total);
  if (count.peek() !== total) count.value = total;
  const span = useComputed(() => {
    const { first, end } = spanOf(layout.value, top.value, size.value.height || 800, count.value);
    return `${first} ${end}`;
  });
  const [first = 0, end = 0] = span.value.split(" ").map(Number);
  return { place, layout: layout.value, span: { first, end } };
}

/** The grid. */
export function Grid({ project, listing, selection, renaming }: GridProps): JSX.Element {
  const { assets, total } = listing;
  const { place, layout, span } = useSpan(total);
  const current = useSignal(0);
  const wanted = useRef(-1);
  const order = assets.map((asset) => asset.assetId);
  const canChange = may(project.permissions, Permission.UPLOAD);
  useEffect(() => {
    if (span.end > assets.length) ensure(span.end).catch(tell);
  }, [span.end, assets.length]);
  useEffect(() => {
    selection.value = pruned(selection.peek(), order);
    if (current.peek() >= total) current.value = Math.max(0, total - 1);
  }, [listing]);
  useEffect(() => {
    // Wherever the focus is: of the page's words nobody wants all.
    const all = (event: KeyboardEvent): void => {
      const asked = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "a";
      if (!asked || !canChange || event.defaultPrevented || isTyping(event.target) || document.querySelector("[role=dialog], .menu")) return;
      event.preventDefault();
      void chooseAll(selection);
    };
    addEventListener("keydown", all);
    return () => removeEventListener("keydown", all);
  }, [canChange, selection]);
  useLayoutEffect(() => {
    if (wanted.current < 0) return;
    const card = place.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"]`);
    if (!card) return;
    wanted.current = -1;
    card.focus({ preventScroll: true });
  });
  const goTo = (index: number): void => {
    const scroller = place.current?.parentElement;
    if (!scroller || !place.current) return;
    const above = place.current.offsetTop;
    current.value = index;
    wanted.current = index;
    const at = scrollTo(layout, index, scroller.scrollTop - above, scroller.clientHeight);
    if (at !== scroller.scrollTop - above) scroller.scrollTop = at === 0 ? 0 : at + above;
  };
  const choose = (index: number, reach: boolean): void => {
    current.value = index;
    selection.value = reach ? extend(selection.peek(), order, index) : toggle(selection.peek(), order, index);
  };
  const rename = (id: bigint, on: boolean): void => {
    if (on) renaming.value = id;
    else if (renaming.peek() === id) renaming.value = 0n;
  };
  const press = (event: TargetedKeyboardEvent<HTMLUListElement>): void => {
    if (isTyping(event.target) || event.isComposing || !(event.target instanceof HTMLElement)) return;
    if (!event.target.classList.contains("card-face")) return;
    const index = Number(event.target.dataset["index"]);
    const next = step(event.key, index, layout, place.current?.parentElement?.clientHeight ?? 800, total);
    const mod = event.ctrlKey || event.metaKey;
    const asset = assets[index];
    if (next !== undefined && !mod) {
      if (event.shiftKey && canChange && assets[next]) {
        if (selection.peek().anchor < 0) choose(index, false);
        selection.value = extend(selection.peek(), order, next);
      }
      goTo(next);
    } else if (event.key === " " && canChange) choose(index, event.shiftKey);
    else if (mod && event.key.toLowerCase() === "a" && canChange) void chooseAll(selection);
    else if (event.key === "Escape" && selection.peek().ids.size > 0) selection.value = NONE;
    else if (event.key === "F2" && asset && may(asset.permissions, Permission.UPLOAD)) renaming.value = asset.assetId;
    else if (event.key === "Delete" && canChange && asset && asset.deletedMs === 0n) {
      const chosen = selection.peek().ids;
      void deleteAssets(project.projectId, chosen.size > 0 ? [...chosen] : [asset.assetId]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const rows = Math.floor(span.first / layout.columns);
  const shown = assets.slice(span.first, span.end);
  const missing = Math.max(0, Math.min(span.end, total) - span.first - shown.length);
  const { ids } = selection.value;
  return (
    <div ref={place} class="grid-place" style={{ height: `${heightOf(layout, total)}px` }}>
      <ul
        class="grid"
        aria-label={t("library.assets")}
        data-choosing={ids.size > 0}
        style={{
          transform: `translateY(${rows * layout.rowHeight}px)`,
          gridTemplateColumns: `repeat(${layout.columns}, minmax(0, 1fr))`,
          gridAutoRows: `${layout.cardHeight}px`,
          gap: `${layout.gap}px`,
        }}
        onKeyDown={press}
      >
        {shown.map((asset, at) => (
          <Card
            key={asset.assetId}
            asset={asset}
            index={span.first + at}
            total={total}
            statuses={project.statuses}
            chosen={ids.has(asset.assetId)}
            choosing={ids.size > 0}
            current={current.value === span.first + at || (at === 0 && (current.value < span.first || current.value >= span.end))}
            renaming={renaming.value === asset.assetId}
            rename={(on) => rename(asset.assetId, on)}
            choose={choose}
          />
        ))}
        {Array.from({ length: missing }, (_, at) => (
          <li key={`missing${at}`} class="card" aria-hidden="true">
            <div class="poster" />
          </li>
        ))}
      </ul>
    </div>
  );
}
