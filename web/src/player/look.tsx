/** How the picture is looked at: the menu, what is laid over the picture, and the mark that says it is not as it is. */
import type { JSX } from "preact";
import { keysOf } from "../app/keys";
import type { Size } from "../canvas/view";
import { t } from "../messages";
import { Button } from "../ui/button";
import { Item, Menu } from "../ui/menu";
import {
  background,
  BACKGROUNDS,
  barsOf,
  exposure,
  gamma,
  GAMMA_LEAST,
  GAMMA_MOST,
  graded,
  matte,
  matteOpacity,
  MATTES,
  STOPS_MOST,
  transferOf,
  ungrade,
  type MatteName,
} from "./grade";
import "./look.css";

interface SliderProps {
  label: string;
  least: number;
  most: number;
  step: number;
  value: number;
  shown: string;
  set: (value: number) => void;
}

function Slider({ label, least, most, step, value, shown, set }: SliderProps): JSX.Element {
  return (
    <label class="look-slider">
      <span class="row">
        <span class="grow">{label}</span>
        <output class="mono">{shown}</output>
      </span>
      <input type="range" min={least} max={most} step={step} value={value} aria-label={label} aria-valuetext={shown} onInput={(event) => set(Number(event.currentTarget.value))} />
    </label>
  );
}

/** Stops as people write them. */
export function stopsText(stops: number): string {
  return `${stops > 0 ? "+" : stops < 0 ? "−" : ""}${Math.abs(stops).toFixed(2).replace(/0$/, "")}`;
}

/** The menu. */
export function LookMenu(): JSX.Element {
  return (
    <Menu icon="look" label={t("look.menu")}>
      {() => (
        <div class="look-menu">
          <Slider label={t("look.exposure")} least={-STOPS_MOST} most={STOPS_MOST} step={0.25} value={exposure.value} shown={stopsText(exposure.value)} set={(stops) => (exposure.value = stops)} />
          <Slider
            label={t("look.gamma")}
            least={Math.log2(GAMMA_LEAST)}
            most={Math.log2(GAMMA_MOST)}
            step={0.05}
            value={Math.log2(gamma.value)}
            shown={gamma.value.toFixed(2)}
            set={(power) => (gamma.value = Math.round(2 ** power * 100) / 100)}
          />
          <Button small look="quiet" label={t("look.reset")} keys={keysOf("look.reset")} disabled={!graded.value} onClick={ungrade}>
            {t("look.reset")}
          </Button>
          <hr />
          <div role="radiogroup" aria-label={t("look.matte")}>
            {(Object.keys(MATTES) as MatteName[]).map((name) => (
              <Item key={name} checked={matte.value === name} onClick={() => (matte.value = name)}>
                {name === "none" ? t("look.noMatte") : t("look.matteOf", { ratio: name })}
              </Item>
            ))}
          </div>
          {matte.value !== "none" && (
            <Slider
              label={t("look.opacity")}
              least={0.1}
              most={1}
              step={0.05}
              value={matteOpacity.value}
              shown={`${Math.round(matteOpacity.value * 100)} %`}
              set={(share) => (matteOpacity.value = share)}
            />
          )}
          <hr />
          <div class="backgrounds" role="radiogroup" aria-label={t("look.background")}>
            {BACKGROUNDS.map((each) => (
              <button
                key={each}
                type="button"
                role="radio"
                class={`swatch background ${each}`}
                aria-checked={background.value === each}
                aria-label={t(`look.background.${each}`)}
                data-tip={t(`look.background.${each}`)}
                onClick={() => (background.value = each)}
              />
            ))}
          </div>
        </div>
      )}
    </Menu>
  );
}

/** The filter that the picture is shown through, while there is one. */
export function GradeFilter(): JSX.Element | null {
  if (!graded.value) return null;
  const { amplitude, exponent } = transferOf(exposure.value, gamma.value);
  const each = { type: "gamma", amplitude, exponent, offset: 0 };
  return (
    <svg class="visually-hidden" aria-hidden="true" width="0" height="0">
      <filter id="grade" color-interpolation-filters="sRGB" x="0" y="0" width="100%" height="100%">
        <feComponentTransfer>
          <feFuncR {...each} />
          <feFuncG {...each} />
          <feFuncB {...each} />
        </feComponentTransfer>
      </filter>
    </svg>
  );
}

/** The mark on the picture while it is not shown as it is; pressing it shows it so. */
export function GradeMark(): JSX.Element | null {
  if (!graded.value) return null;
  const parts = [exposure.value === 0 ? "" : t("look.stops", { stops: stopsText(exposure.value) }), gamma.value === 1 ? "" : `γ ${gamma.value.toFixed(2)}`];
  return (
    <button type="button" class="grade-mark" data-testid="grade" data-tip={t("look.reset")} data-keys={keysOf("look.reset")} onClick={ungrade}>
      {t("look.on", { what: parts.filter(Boolean).join(" · ") })}
    </button>
  );
}

/** Bars over the edges of the picture; drawings lie above them. */
export function Matte({ picture }: { picture: Size }): JSX.Element | null {
  const { x, y } = barsOf(MATTES[matte.value], picture.width, picture.height);
  if (x <= 0 && y <= 0) return null;
  const [across, down] = [`${x * 100}%`, `${y * 100}%`];
  const first = y > 0 ? { height: down, left: 0, right: 0, top: 0 } : { width: across, top: 0, bottom: 0, left: 0 };
  const last = y > 0 ? { height: down, left: 0, right: 0, bottom: 0 } : { width: across, top: 0, bottom: 0, right: 0 };
  return (
    <div class="matte" style={{ opacity: matteOpacity.value }} aria-hidden="true">
      <i style={first} />
      <i style={last} />
    </div>
  );
}
