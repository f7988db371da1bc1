/** Buttons: each has an accessible name and a tooltip with its shortcut. */
import type { ComponentChildren, JSX, TargetedMouseEvent } from "preact";
import { Icon, type IconName } from "./icon";

interface ButtonProps {
  /** Name that readers say and the tooltip shows. */
  label: string;
  icon?: IconName;
  /** Shown beside the icon; left out: the icon alone. */
  children?: ComponentChildren;
  /** Shortcut as people read it. */
  keys?: string;
  look?: "plain" | "quiet" | "primary" | "bad";
  small?: boolean;
  pressed?: boolean;
  disabled?: boolean;
  type?: "button" | "submit";
  expanded?: boolean;
  testId?: string;
  onClick?: (event: TargetedMouseEvent<HTMLButtonElement>) => void;
}

/** A button. */
export function Button(props: ButtonProps): JSX.Element {
  const alone = props.children === undefined && props.icon !== undefined;
  const look = props.look === "bad" ? "quiet bad" : props.look === "plain" ? "" : (props.look ?? "");
  return (
    <button
      type={props.type ?? "button"}
      class={`button ${look}${alone ? " icon" : ""}${props.small ? " small" : ""}`}
      aria-label={alone ? props.label : undefined}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      data-tip={alone || props.keys ? props.label : undefined}
      data-keys={props.keys}
      data-testid={props.testId}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      {props.icon && <Icon name={props.icon} size={props.small ? 15 : 18} />}
      {props.children}
    </button>
  );
}
