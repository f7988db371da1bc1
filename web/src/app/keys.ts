/** Shortcuts: what each does, which keys it has, how keys are written. Pure. */

const DEFAULTS = {
  "play.toggle": ["Space"],
  "play.toggleTyping": ["Alt+p"],
  "play.back": ["j"],
  "play.stop": ["k"],
  "play.forward": ["l"],
  "step.back": ["ArrowLeft"],
  "step.on": ["ArrowRight"],
  "step.back5": ["Shift+ArrowLeft"],
  "step.on5": ["Shift+ArrowRight"],
  "go.first": ["Home"],
  "go.last": ["End"],
  "go.previousNote": [","],
  "go.nextNote": ["."],
  "go.previousCut": ["ArrowUp"],
  "go.nextCut": ["ArrowDown"],
  "range.in": ["i"],
  "range.out": ["o"],
  "range.clear": ["r"],
  "play.loop": ["Ctrl+l"],
  "tool.select": ["v"],
  "tool.pen": ["d"],
  "tool.eraser": ["e"],
  "tool.line": ["w"],
  "tool.arrow": ["a"],
  "tool.rect": ["b"],
  "tool.ellipse": ["c"],
  "tool.text": ["t"],
  "tool.laser": ["x"],
  "tool.wider": ["]"],
  "tool.narrower": ["["],
  "note.new": ["n", ";"],
  "edit.undo": ["Mod+z"],
  "edit.redo": ["Mod+Shift+z", "Mod+y"],
  "edit.delete": ["Delete", "Backspace"],
  "view.fit": ["f"],
  "view.full": ["Shift+f"],
  "view.panel": ["p"],
  "view.mute": ["m"],
  "look.brighter": ["Alt+ArrowUp"],
  "look.darker": ["Alt+ArrowDown"],
  "look.reset": ["Shift+e"],
  "help.keys": ["?"],
  "cancel": ["Escape"],
} as const;

export type Action = keyof typeof DEFAULTS;

/** How the sheet is divided. */
export const GROUPS = {
  play: ["play.toggle", "play.toggleTyping", "play.back", "play.stop", "play.forward", "play.loop", "view.mute"],
  move: ["step.back", "step.on", "step.back5", "step.on5", "go.first", "go.last", "go.previousNote", "go.nextNote", "go.previousCut", "go.nextCut"],
  range: ["range.in", "range.out", "range.clear"],
  draw: ["tool.select", "tool.pen", "tool.eraser", "tool.line", "tool.arrow", "tool.rect", "tool.ellipse", "tool.text", "tool.laser", "tool.narrower", "tool.wider"],
  edit: ["note.new", "edit.undo", "edit.redo", "edit.delete", "cancel"],
  view: ["view.fit", "view.full", "view.panel", "look.brighter", "look.darker", "look.reset", "help.keys"],
} as const satisfies Record<string, readonly Action[]>;

/** Actions that repeat while a key is held. */
const REPEATING: ReadonlySet<Action> = new Set(["step.back", "step.on", "step.back5", "step.on5", "edit.undo", "edit.redo", "tool.wider", "tool.narrower", "look.brighter", "look.darker"]);

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

/** Keys whose Shift is part of what is typed: "?" is "?" on whatever layout. */
function shiftCounts(key: string): boolean {
  return key.length > 1 || /^[a-z]$/.test(key);
}

function nameOf(press: KeyPress): string {
  if (press.key === " ") return "Space";
  if (press.key.length > 1) return press.key;
  const key = press.key.toLowerCase();
  // On a layout without Latin letters the key in that place counts; with Alt some layouts type signs.
  const latin = /^Key([A-Z])$/.exec(press.code)?.[1]?.toLowerCase();
  return latin && (key.charCodeAt(0) > 127 || press.altKey) ? latin : key;
}

/** The press as it is written above, for a keyboard with or without a Command key. */
export function written(press: KeyPress, mac: boolean): string {
  const key = nameOf(press);
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

function table(mac: boolean): Map<string, Action> {
  const found = new Map<string, Action>();
  for (const [action, keys] of Object.entries(DEFAULTS) as [Action, readonly string[]][]) {
    for (const key of keys) found.set(mac ? key : key.replace("Ctrl+", "Mod+"), action);
  }
  return found;
}

const TABLES = { true: table(true), false: table(false) };

/** The action of a press; undefined: none. While text is typed only one has any. */
export function actionOf(press: KeyPress, mac: boolean, typing: boolean): Action | undefined {
  if (press.isComposing || press.keyCode === 229) return undefined;
  const action = TABLES[mac ? "true" : "false"].get(written(press, mac));
  if (action === undefined || (typing && action !== "play.toggleTyping")) return undefined;
  if (press.repeat && !REPEATING.has(action)) return undefined;
  return action;
}

/** Whether keys belong to what has the focus. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["button", "checkbox", "radio", "range", "color", "file"].includes(target.type);
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
  Delete: "Del",
  Backspace: "⌫",
};

/** A key as people read it. */
export function shown(key: string, mac: boolean): string {
  const parts = key.split("+").map((part) => {
    if (part === "Mod") return mac ? "⌘" : "Ctrl";
    if (mac && part === "Shift") return "⇧";
    if (mac && part === "Alt") return "⌥";
    return SIGNS[part] ?? (part.length === 1 ? part.toUpperCase() : part);
  });
  return parts.join(mac ? "" : "+");
}

/** The keys of an action as people read them; `all`: every one. */
export function keysOf(action: Action, all = false): string {
  const mac = isMac();
  const keys = all ? DEFAULTS[action] : DEFAULTS[action].slice(0, 1);
  return keys.map((key) => shown(key, mac)).join("  ");
}
