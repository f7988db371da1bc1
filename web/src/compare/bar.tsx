/** The row over the picture while two cuts are compared, and the menu with which one begins. */
import type { JSX } from "preact";
import { keysOf, type Action } from "../app/keys";
import type { Past } from "../history/past";
import { t } from "../messages";
import { Button } from "../ui/button";
import { Item, Menu } from "../ui/menu";
import { ago } from "../ui/when";
import type { Compare } from "./compare";
import { MODES, type Comparison, type Mode } from "./comparison";

const KEYS = {
  a: "compare.a",
  b: "compare.b",
  side: "compare.side",
  wipe: "compare.wipe",
  overlay: "compare.overlay",
  difference: "compare.difference",
} as const satisfies Record<Mode, Action>;

interface Props {
  compare: Compare;
}

function modeName(compare: Compare, now: Comparison, mode: Mode): string {
  if (mode === "a") return `v${compare.room.cut.number}`;
  return mode === "b" ? `v${now.cut}` : t(`compare.mode.${mode}`);
}

function Offset({ compare, now }: Props & { now: Comparison }): JSX.Element {
  const by = (frames: number): void => compare.change({ offset: now.offset + frames });
  return (
    <div class="row compare-offset" role="group" aria-label={t("compare.offset", { number: now.cut })}>
      <Button small look="quiet" icon="previous" label={t("compare.earlier", { number: now.cut })} keys={keysOf("compare.earlier")} onClick={() => by(-1)} />
      <input
        class="input mono"
        inputMode="numeric"
        aria-label={t("compare.offset", { number: now.cut })}
        title={t("compare.offset", { number: now.cut })}
        value={now.offset > 0 ? `+${now.offset}` : String(now.offset).replace("-", "−")}
        onChange={(event) => {
          const frames = Number(event.currentTarget.value.replace("−", "-"));
          if (Number.isFinite(frames)) compare.change({ offset: frames });
          event.currentTarget.value = String(compare.now.peek()?.offset ?? 0);
        }}
      />
      <Button small look="quiet" icon="next" label={t("compare.later", { number: now.cut })} keys={keysOf("compare.later")} onClick={() => by(1)} />
    </div>
  );
}

function Sound({ compare, now }: Props & { now: Comparison }): JSX.Element | null {
  const { room } = compare;
  const other = compare.other.value;
  if (!room.video.hasSound && !other?.opened.video.hasSound) return null;
  const heard = now.sound === "a" ? room.cut.number : now.cut;
  return (
    <Button small look="quiet" icon="volume" label={t("compare.sound", { number: heard })} keys={keysOf("compare.sound")} testId="compare-sound" onClick={() => compare.act("compare.sound")}>
      {`v${heard}`}
    </Button>
  );
}

/** The row; nothing while the cut is looked at alone. */
export function CompareBar({ compare }: Props): JSX.Element | null {
  const now = compare.now.value;
  if (!now) return null;
  const problem = compare.problem.value;
  return (
    <div class="compare-bar" role="toolbar" aria-label={t("compare.title")} data-testid="compare-bar">
      <div class="row modes" role="group" aria-label={t("compare.how")}>
        {MODES.map((mode) => (
          <Button key={mode} small look="quiet" label={t(`keys.${KEYS[mode]}`)} keys={keysOf(KEYS[mode])} pressed={now.mode === mode} testId={`mode-${mode}`} onClick={() => compare.change({ mode })}>
            {modeName(compare, now, mode)}
          </Button>
        ))}
      </div>
      {now.mode === "overlay" && (
        <input
          class="compare-opacity"
          type="range"
          min="0"
          max="1"
          step="0.01"
          aria-label={t("compare.opacity", { number: now.cut })}
          value={now.opacity}
          onInput={(event) => compare.change({ opacity: Number(event.currentTarget.value) })}
        />
      )}
      {problem && (
        <span class="compare-problem clip" role="alert">
          {problem}
        </span>
      )}
      <span class="grow" />
      <Offset compare={compare} now={now} />
      <Sound compare={compare} now={now} />
      <Button small look="quiet" icon="swap" label={t("compare.swap")} disabled={!compare.other.value} onClick={() => compare.swap()} />
      <Button small look="quiet" icon="close" label={t("compare.stop")} keys={keysOf("compare.stop")} onClick={() => compare.stop()} />
    </div>
  );
}

/** Where every comparison begins: with another cut, or of the notes of this one with a snapshot of them. */
export function CompareMenu({ compare, past }: Props & { past: Past }): JSX.Element {
  const { room } = compare;
  const now = compare.now.value;
  const others = room.asset.cuts.filter(({ number }) => number !== room.cut.number);
  return (
    <span class="compare-menu">
      <Menu icon="compare" label={t("compare.menu")} keys={keysOf("compare.toggle")} face={<span class="wide-only">{t("compare.menu")}</span>}>
        {(close) => (
          <>
            <p class="menu-head">{t("compare.withCut", { number: room.cut.number })}</p>
            {others.map((cut) => (
              <Item
                key={cut.number}
                checked={now?.cut === cut.number}
                onClick={() => {
                  close();
                  compare.start(cut.number);
                }}
              >
                v{cut.number} <span class="faint">{cut.fileName || ago(Number(cut.createdMs), Date.now())}</span>
              </Item>
            ))}
            {others.length === 0 && <p class="menu-none faint">{t("compare.oneCut")}</p>}
            {now && (
              <Item
                icon="close"
                onClick={() => {
                  close();
                  compare.stop();
                }}
              >
                {t("compare.stop")}
              </Item>
            )}
            <hr />
            <p class="menu-head">{t("compare.snapshots")}</p>
            <Item
              icon="history"
              onClick={() => {
                close();
                room.panel.value = true;
                room.side.value = "snapshots";
                past.choosing.value = true;
              }}
            >
              {t("compare.chooseSnapshots")}
            </Item>
          </>
        )}
      </Menu>
    </span>
  );
}
