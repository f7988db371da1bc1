/** The tools beside the picture. */
import type { JSX } from "preact";
import { keysOf } from "../app/keys";
import { AnnotationKind, Audience } from "../document";
import { t, type Key } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { css } from "../ui/color";
import type { IconName } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { TOOLS, type Tool } from "./hand";
import { deleteSelected, restyle } from "./selection";
import { Letters } from "./selection_bar";
import { audience, color, COLORS, ghost, hold, onRange, tool, width, WIDTHS } from "./tools";

const NAMES: Record<Tool, Key> = {
  select: "tool.select",
  pen: "tool.pen",
  eraser: "tool.eraser",
  line: "tool.line",
  arrow: "tool.arrow",
  rect: "tool.rect",
  ellipse: "tool.ellipse",
  text: "tool.text",
  laser: "tool.laser",
};
const COLOR_NAMES = ["red", "orange", "yellow", "green", "cyan", "blue", "violet", "white", "black"] as const;

function Colors({ room }: { room: Room }): JSX.Element {
  return (
    <>
      <div class="swatches" role="radiogroup" aria-label={t("tool.color")}>
        {COLORS.map((each, at) => (
          <button
            key={each}
            type="button"
            role="radio"
            class="swatch"
            aria-checked={color.value === each}
            aria-label={t(`color.${COLOR_NAMES[at] ?? "white"}`)}
            style={{ background: css(each) }}
            onClick={() => {
              color.value = each;
              restyle(room, "color", each);
            }}
          />
        ))}
      </div>
      <div class="letters" role="group" aria-label={t("tool.textStyle")}>
        <Letters room={room} chosen={room.chosen.filter(({ kind }) => kind === AnnotationKind.TEXT)} />
      </div>
      <div class="widths" role="radiogroup" aria-label={t("tool.width")}>
        {WIDTHS.map((each, at) => (
          <Button
            key={each}
            look="quiet"
            label={t("tool.widthOf", { n: at + 1 })}
            pressed={width.value === each}
            onClick={() => {
              width.value = each;
              restyle(room, "width", each);
            }}
          >
            <span class="dot" style={{ width: `${4 + at * 4}px`, height: `${4 + at * 4}px` }} />
            <span class="visually-hidden">{t("tool.widthOf", { n: at + 1 })}</span>
          </Button>
        ))}
      </div>
    </>
  );
}

/** Name and sign of an audience. */
export function audienceFace(of: Audience): { label: string; icon: IconName } {
  return of === Audience.CLIENT ? { label: t("audience.client"), icon: "eye" } : { label: t("audience.internal"), icon: "lock" };
}

/** The choice of whom it is for; nothing for those who have none. */
export function AudienceMenu({ room, face = false }: { room: Room; face?: boolean }): JSX.Element | null {
  if (!room.session.seesInternal.value) return null;
  const now = audienceFace(audience.value);
  return (
    <Menu
      icon={now.icon}
      small={face}
      label={t("audience.now", { audience: now.label })}
      {...(face ? { face: <span>{now.label}</span> } : {})}
    >
      {(close) =>
        [Audience.INTERNAL, Audience.CLIENT].map((each) => (
          <Item
            key={each}
            icon={audienceFace(each).icon}
            checked={audience.value === each}
            onClick={() => {
              audience.value = each;
              close();
            }}
          >
            {each === Audience.CLIENT ? t("audience.clientLong") : t("audience.internalLong")}
          </Item>
        ))
      }
    </Menu>
  );
}

/** The bar. */
export function Toolbar({ room }: { room: Room }): JSX.Element | null {
  const { session } = room;
  const narrowed = session.narrowed.value;
  if (narrowed === "" && !session.writable.value && session.permissions.value !== 0) return null;
  /** A tool's name, and why it cannot be had. */
  const nameOf = (each: Tool): { label: string; disabled: boolean } => {
    const name = t(NAMES[each] as "tool.pen");
    const mine = narrowed === "" || each === "select" || (each === "laser" && narrowed === "laser");
    return { label: mine ? name : t(narrowed === "laser" ? "role.laserOnly" : "role.viewOnly", { tool: name }), disabled: !mine };
  };
  return (
    <div class="tools" role="toolbar" aria-label={t("tool.bar")} aria-orientation="vertical">
      {TOOLS.map((each) => (
        <Button
          key={each}
          look="quiet"
          icon={each}
          {...nameOf(each)}
          keys={keysOf(`tool.${each}`)}
          pressed={tool.value === each}
          onClick={() => (tool.value = each)}
        />
      ))}
      <hr />
      <Menu label={t("tool.colorWidth")} keys={keysOf("tool.wider")} face={<span class="color-dot" style={{ background: css(color.value) }} />}>
        {() => <Colors room={room} />}
      </Menu>
      <Button
        look="quiet"
        icon="ghost"
        label={t("tool.ghost")}
        keys={keysOf("view.ghost")}
        pressed={ghost.value}
        onClick={() => (ghost.value = !ghost.value)}
      />
      <Button
        look="quiet"
        icon="hold"
        label={t("tool.hold")}
        keys={keysOf("view.hold")}
        pressed={hold.value}
        onClick={() => (hold.value = !hold.value)}
      />
      <Button look="quiet" icon="range" label={t("tool.onRange")} pressed={onRange.value} onClick={() => (onRange.value = !onRange.value)} />
      <AudienceMenu room={room} />
      <hr />
      <Button
        look="quiet"
        icon="undo"
        label={t(session.pending.value > 0 ? "tool.undoWaits" : "tool.undo")}
        keys={keysOf("edit.undo")}
        disabled={!session.canUndo.value && session.pending.value === 0}
        onClick={() => session.undo()}
      />
      <Button look="quiet" icon="redo" label={t("tool.redo")} keys={keysOf("edit.redo")} disabled={!session.canRedo.value} onClick={() => session.redo()} />
      <Button
        look="quiet"
        icon="trash"
        label={t("tool.delete")}
        keys={keysOf("edit.delete")}
        disabled={room.selected.value.size === 0}
        onClick={() => deleteSelected(room)}
      />
    </div>
  );
}
