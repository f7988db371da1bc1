/** A menu that opens from a button: arrows move in it, Escape closes it and gives the focus back. */
import type { ComponentChildren, JSX, TargetedKeyboardEvent } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon";

interface MenuProps {
  label: string;
  icon?: IconName;
  face?: ComponentChildren;
  look?: "quiet" | "plain";
  small?: boolean;
  keys?: string;
  /** What is in it; `close` closes it. */
  children: (close: () => void) => ComponentChildren;
}

/** The words in an element that readers are to say. */
function wordsIn(element: Element): string {
  return Array.from(element.childNodes, (node) => {
    if (node instanceof Element) return node.getAttribute("aria-hidden") === "true" ? "" : wordsIn(node);
    return node.textContent ?? "";
  }).join("");
}

/** What a button is called: its label, and what it shows. Who speaks to the computer says what is there to be read. */
function named(button: HTMLButtonElement | null, label: string): void {
  const words = button ? wordsIn(button).trim() : "";
  const name = words === "" || label.toLocaleLowerCase().includes(words.toLocaleLowerCase()) ? label : `${label}: ${words}`;
  if (button && button.getAttribute("aria-label") !== name) button.setAttribute("aria-label", name);
}

let names = 0;

/** A list of choices alone is a menu to readers. Beside other things the choices are one all the same: `owner` is it. */
function ruled(box: HTMLElement, owner: HTMLElement | null): void {
  const all = [...box.querySelectorAll(".item, input, textarea, select")];
  const own = all.filter((each) => (each.parentElement?.closest("[role=menu]") ?? box) === box);
  const choices = own.filter((each) => each.hasAttribute("aria-checked"));
  const alone = choices.length > 0 && choices.length === all.length;
  box.setAttribute("role", alone ? "menu" : "group");
  if (!owner || alone || choices.length === 0) return;
  for (const choice of choices) choice.id ||= `choice-${++names}`;
  owner.setAttribute("role", "menu");
  owner.setAttribute("aria-label", box.getAttribute("aria-label") ?? "");
  owner.setAttribute("aria-owns", choices.map(({ id }) => id).join(" "));
}

/** A button with a menu. */
export function Menu(props: MenuProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const alone = props.face === undefined;
  useLayoutEffect(() => named(button.current, props.label));
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={`button ${props.look === "plain" ? "" : "quiet"}${alone ? " icon" : ""}${props.small ? " small" : ""}`}
        aria-haspopup="true"
        aria-expanded={open}
        aria-label={props.label}
        data-tip={props.label}
        data-keys={props.keys}
        onClick={() => setOpen(!open)}
      >
        {props.icon && <Icon name={props.icon} size={props.small ? 15 : 18} />}
        {props.face}
      </button>
      {open && button.current && (
        <Popup anchor={button.current} label={props.label} onClose={close}>
          {props.children(close)}
        </Popup>
      )}
    </>
  );
}

interface PopupProps {
  anchor: HTMLElement;
  label: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** Puts it under its button, or over it, and never beyond the edge of the window. */
function place(element: HTMLElement, anchor: HTMLElement): void {
  const at = anchor.getBoundingClientRect();
  const { width, height } = element.getBoundingClientRect();
  const below = at.bottom + 4 + height < innerHeight ? at.bottom + 4 : Math.max(8, at.top - 4 - height);
  element.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, at.left))}px`;
  element.style.top = `${below}px`;
}

/** What floats beside the button that opened it. */
export function Popup({ anchor, label, onClose, children }: PopupProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const owner = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    // On the top layer nothing around it can clip or move it.
    element.showPopover();
    ruled(element, owner.current);
    place(element, anchor);
    (element.querySelector<HTMLElement>("[autofocus], .item, input, button") ?? element).focus();
    // What is in it may change and grow, and the window may turn.
    const again = (): void => {
      place(element, anchor);
      ruled(element, owner.current);
    };
    const watch = new ResizeObserver(again);
    watch.observe(element);
    addEventListener("resize", again);
    return () => {
      watch.disconnect();
      removeEventListener("resize", again);
    };
  }, [anchor]);
  useEffect(() => {
    const outside = (event: PointerEvent): void => {
      const target = event.target as Node;
      if (!box.current?.contains(target) && !anchor.contains(target)) onClose();
    };
    document.addEventListener("pointerdown", outside, true);
    return () => document.removeEventListener("pointerdown", outside, true);
  }, [anchor, onClose]);
  return (
    <div ref={box} popover="manual" class="menu floating" role="group" aria-label={label} tabIndex={-1} onKeyDown={(event) => move(event, onClose)}>
      {children}
      <div ref={owner} />
    </div>
  );
}

function move(event: TargetedKeyboardEvent<HTMLDivElement>, onClose: () => void): void {
  if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    return onClose();
  }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  if (event.target instanceof HTMLTextAreaElement) return;
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>(".item:not([disabled])")];
  if (items.length === 0) return;
  event.preventDefault();
  event.stopPropagation();
  const at = items.indexOf(document.activeElement as HTMLElement);
  items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1) + (at < 0 ? 1 : 0)) % items.length]?.focus();
}

interface ItemProps {
  icon?: IconName;
  checked?: boolean;
  /** Several of its kind may be checked. */
  several?: boolean;
  disabled?: boolean;
  /** Its shortcut. */
  keys?: string | undefined;
  onClick: () => void;
  children: ComponentChildren;
}

/** One line of a menu. */
export function Item({ icon, checked, several, disabled, keys, onClick, children }: ItemProps): JSX.Element {
  return (
    <button
      type="button"
      class="item"
      role={checked === undefined ? undefined : several ? "menuitemcheckbox" : "menuitemradio"}
      aria-checked={checked}
      disabled={disabled}
      onClick={onClick}
    >
      {icon && <Icon name={icon} size={16} />}
      <span class="grow clip">{children}</span>
      {keys && (
        <kbd class="faint" aria-hidden="true">
          {keys}
        </kbd>
      )}
      {checked && <Icon name="check" size={14} />}
    </button>
  );
}
