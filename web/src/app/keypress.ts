/** What a key press is called, on whatever layout, and how keys are shown to people. Pure. */

export interface KeyPress {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  isComposing: boolean;
  keyCode: number;
  repeat: boolean;
}

/** Signs by the place of their key on a US keyboard, without and with Shift. */
const PLACES: Record<string, readonly [plain: string, shifted: string]> = {
  Backquote: ["`", "~"],
  BracketLeft: ["[", "{"],
  BracketRight: ["]", "}"],
  Comma: [",", "<"],
  Minus: ["-", "_"],
  Equal: ["=", "+"],
  Period: [".", ">"],
  Quote: ["'", '"'],
  Semicolon: [";", ":"],
  Slash: ["/", "?"],
};

const MODIFIERS: ReadonlySet<string> = new Set(["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "NumLock", "Fn", "OS", "Hyper", "Super"]);

/** Keys whose Shift is part of what is typed: "?" is "?" on whatever layout. */
function shiftCounts(key: string): boolean {
  return key.length > 1 || /^[a-z]$/.test(key);
}

/** What the press types. */
function byKey({ key }: KeyPress): string {
  if (key === " ") return "Space";
  return key.length > 1 ? key : key.toLowerCase();
}

/** What is in that place on a US keyboard; undefined: the place has no name. */
function byPlace({ code, shiftKey }: KeyPress): string | undefined {
  const letter = /^Key([A-Z])$/.exec(code)?.[1]?.toLowerCase();
  return letter ?? /^(?:Digit|Numpad)(\d)$/.exec(code)?.[1] ?? PLACES[code]?.[shiftKey ? 1 : 0];
}

/** The names of a press, the best first: what it types counts, else the place of its key. Letters follow the layout alone. */
function namesOf(press: KeyPress): string[] {
  const [typed, place] = [byKey(press), byPlace(press)];
  if (place === undefined || place === typed) return [typed];
  const letter = /^[a-z]$/.test(typed);
  // With Alt some layouts type signs; other scripts and dead keys type what no shortcut is called after.
  const foreign = typed.charCodeAt(0) > 127 || typed === "Dead" || typed === "Unidentified" || (press.altKey && !letter);
  if (foreign) return [place, typed];
  return letter ? [typed] : [typed, place];
}

function withModifiers(press: KeyPress, mac: boolean, key: string): string {
  const mod = mac ? press.metaKey : press.ctrlKey;
  const parts = [
    mod ? "Mod" : "",
    !mac && press.metaKey ? "Meta" : "",
    mac && press.ctrlKey ? "Ctrl" : "",
    press.altKey ? "Alt" : "",
    press.shiftKey && shiftCounts(key) ? "Shift" : "",
    key,
  ];
  return parts.filter(Boolean).join("+");
}

/** All that a press may be written as in a key map, the best first, for a keyboard with or without a Command key. */
export function readings(press: KeyPress, mac: boolean): string[] {
  return namesOf(press).map((name) => withModifiers(press, mac, name));
}

/** Whether an input method takes the press. */
export function isComposed(press: KeyPress): boolean {
  return press.isComposing || press.keyCode === 229;
}

/** A press as a key map writes it; undefined: it is a modifier alone, or an input method's. */
export function written(press: KeyPress, mac: boolean): string | undefined {
  return isComposed(press) || MODIFIERS.has(press.key) ? undefined : readings(press, mac)[0];
}

/** Whether the keyboard has a Command key. */
export function isMac(): boolean {
  return typeof navigator !== "undefined" && /mac|iphone|ipad/i.test(navigator.userAgent);
}

const SIGNS: Record<string, string> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  Enter: "↵",
  Delete: "Del",
  Backspace: "⌫",
};

/** A key as people read it. */
export function shown(key: string, mac: boolean): string {
  // The key "+" is a part of its own: "Mod++" is Mod and +.
  const parts = key.split(/\+(?!$)/).map((part) => {
    if (part === "Mod") return mac ? "⌘" : "Ctrl";
    if (mac && part === "Ctrl") return "⌃";
    if (mac && part === "Shift") return "⇧";
    if (mac && part === "Alt") return "⌥";
    return SIGNS[part] ?? (part.length === 1 ? part.toUpperCase() : part);
  });
  return parts.join(mac ? "" : "+");
}
