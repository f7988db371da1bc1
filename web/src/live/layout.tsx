/** How those in a live room are shown: beside the picture, in a grid over it, or whoever speaks large. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { t, type Key } from "../messages";
import { Item, Menu } from "../ui/menu";

export type Layout = "side" | "grid" | "speaker";

const NAMES: readonly (readonly [Layout, Key])[] = [
  ["side", "live.layoutSide"],
  ["grid", "live.layoutGrid"],
  ["speaker", "live.layoutSpeaker"],
];

export const layout = signal<Layout>("side");

/** The choice. */
export function Layouts(): JSX.Element {
  return (
    <Menu icon="layout" small label={t("live.layout")}>
      {(close) =>
        NAMES.map(([each, name]) => (
          <Item
            key={each}
            checked={layout.value === each}
            onClick={() => {
              layout.value = each;
              close();
            }}
          >
            {t(name as "live.layoutGrid")}
          </Item>
        ))
      }
    </Menu>
  );
}
