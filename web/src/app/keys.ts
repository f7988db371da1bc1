/** Shortcuts: what each does, which keys it has, and which keys one gave it instead. */
import { computed, signal } from "@preact/signals";
import { isComposed, isMac, readings, shown, type KeyPress } from "./keypress";

export { isMac } from "./keypress";

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
  "note.marker": ["m"],
  "note.list": ["Shift+n"],
  "note.first": ["Shift+i"],
  "note.last": ["Shift+o"],
  "edit.undo": ["Mod+z"],
  "edit.redo": ["Mod+Shift+z", "Mod+y"],
  "edit.delete": ["Delete", "Backspace"],
  "edit.all": ["Mod+a"],
  "edit.copy": ["Mod+c"],
  "edit.cut": ["Mod+x"],
  "edit.paste": ["Mod+v"],
  "edit.duplicate": ["Mod+d"],
  "edit.copyToNext": ["Shift+d"],
  "view.fit": ["f"],
  "view.exact": ["z"],
  "view.ghost": ["g"],
  "view.hold": ["h"],
  "view.full": ["Shift+f"],
  "view.panel": ["p"],
  "view.mute": ["Shift+m"],
  "compare.toggle": ["`"],
  "compare.a": ["1"],
  "compare.b": ["2"],
  "compare.side": ["3"],
  "compare.wipe": ["Shift+w"],
  "compare.overlay": ["4"],
  "compare.difference": ["5"],
  "compare.earlier": ["Alt+["],
  "compare.later": ["Alt+]"],
  "compare.sound": ["Shift+s"],
  "compare.stop": ["0"],
  "line.nearer": ["=", "+"],
  "line.farther": ["-"],
  "line.all": ["\\"],
  "look.brighter": ["Alt+ArrowUp"],
  "look.darker": ["Alt+ArrowDown"],
  "look.reset": ["Shift+e"],
  "help.keys": ["?"],
  "help.palette": ["Mod+k"],
  "cancel": ["Escape"],
} as const;

export type Action = keyof typeof DEFAULTS;

/** Keys that somebody gave actions instead of the defaults. An action with none has no key. */
export type Keymap = Readonly<Partial<Record<Action, readonly string[]>>>;

export const ACTIONS = Object.keys(DEFAULTS) as readonly Action[];

/** How the sheet is divided. */
export const GROUPS = {
  play: ["play.toggle", "play.toggleTyping", "play.back", "play.stop", "play.forward", "play.loop", "view.mute"],
  move: ["step.back", "step.on", "step.back5", "step.on5", "go.first", "go.last", "go.previousNote", "go.nextNote", "go.previousCut", "go.nextCut"],
  range: ["range.in", "range.out", "range.clear", "note.first", "note.last"],
  draw: ["tool.select", "tool.pen", "tool.eraser", "tool.line", "tool.arrow", "tool.rect", "tool.ellipse", "tool.text", "tool.laser", "tool.narrower", "tool.wider"],
  edit: ["note.new", "note.marker", "note.list", "edit.undo", "edit.redo", "edit.delete", "cancel"],
  select: ["edit.all", "edit.copy", "edit.cut", "edit.paste", "edit.duplicate", "edit.copyToNext"],
  compare: ["compare.toggle", "compare.a", "compare.b", "compare.side", "compare.wipe", "compare.overlay", "compare.difference", "compare.earlier", "compare.later", "compare.sound", "compare.stop"],
  view: ["view.fit", "view.exact", "view.ghost", "view.hold", "view.full", "view.panel", "line.nearer", "line.farther", "line.all", "look.brighter", "look.darker", "look.reset", "help.palette", "help.keys"],
} as const satisfies Record<string, readonly Action[]>;

/** Actions that repeat while a key is held. */
const REPEATING: ReadonlySet<Action> = new Set(["step.back", "step.on", "step.back5", "step.on5", "edit.undo", "edit.redo", "tool.wider", "tool.narrower", "line.nearer", "line.farther", "look.brighter", "look.darker", "compare.earlier", "compare.later"]);
/** Actions that a key has while one types. */
const WHILE_TYPING: ReadonlySet<Action> = new Set(["play.toggleTyping", "help.palette"]);
/** Keys that browsers do not give to pages, or that move the focus and press what has it. */
const TAKEN: ReadonlySet<string> = new Set(["Tab", "Shift+Tab", "Enter", "Mod+w", "Mod+t", "Mod+n", "Mod+q", "Mod+Shift+n", "Mod+Shift+t", "Mod+Shift+w", "Mod+Enter"]);

/** What whoever is here chose. */
export const chosenKeys = signal<Keymap>({});

/** The keys of an action under a key map. */
export function keysUnder(map: Keymap, action: Action): readonly string[] {
  return map[action] ?? DEFAULTS[action];
}

function plain(key: string, mac: boolean): string {
  return mac ? key : key.replace("Ctrl+", "Mod+");
}

/** Actions by key. What one chose wins over a default that has the same key. */
export function tableOf(map: Keymap, mac: boolean): Map<string, Action> {
  const found = new Map<string, Action>();
  const chosenLast = [...ACTIONS].sort((a, b) => Number(a in map) - Number(b in map));
  for (const action of chosenLast) for (const key of keysUnder(map, action)) found.set(plain(key, mac), action);
  return found;
}

/** The other action that a key belongs to; undefined: it is free. */
export function clash(map: Keymap, action: Action, key: string, mac: boolean): Action | undefined {
  return ACTIONS.find((other) => other !== action && keysUnder(map, other).some((each) => plain(each, mac) === plain(key, mac)));
}

/** Whether an action may have a key: browsers keep some, and what works while one types must not be typed. */
export function mayHave(action: Action, key: string): boolean {
  if (TAKEN.has(key)) return false;
  return !WHILE_TYPING.has(action) || /^(Mod|Ctrl|Alt|Meta)\+/.test(key) || /^F\d/.test(key);
}

/** The map with a key given to an action, alone, and taken from whatever else has it. */
export function give(map: Keymap, action: Action, key: string, mac: boolean): Keymap {
  const next: Partial<Record<Action, readonly string[]>> = { ...map, [action]: [key] };
  for (const other of ACTIONS) {
    const keys = keysUnder(map, other);
    const left = keys.filter((each) => plain(each, mac) !== plain(key, mac));
    if (other !== action && left.length < keys.length) next[other] = left;
  }
  return next;
}

/** A key map as it is kept, checked: actions that there are, and lists of short texts. */
export function keymapFrom(data: unknown): Keymap {
  if (typeof data !== "object" || data === null) return {};
  const map: Partial<Record<Action, readonly string[]>> = {};
  for (const action of ACTIONS) {
    const keys = (data as Record<string, unknown>)[action];
    if (Array.isArray(keys) && keys.length <= 4 && keys.every((key) => typeof key === "string" && key.length <= 40 && key !== "")) {
      map[action] = keys as string[];
    }
  }
  return map;
}

const mac = isMac();
const tables = computed(() => ({ mac: tableOf(chosenKeys.value, true), other: tableOf(chosenKeys.value, false) }));

/** The action of a press; undefined: none. While text is typed only a few have any. */
export function actionOf(press: KeyPress, onMac: boolean, typing: boolean): Action | undefined {
  if (isComposed(press)) return undefined;
  const table = tables.value[onMac ? "mac" : "other"];
  const action = readings(press, onMac).flatMap((reading) => table.get(reading) ?? [])[0];
  if (action === undefined || (typing && !WHILE_TYPING.has(action))) return undefined;
  if (press.repeat && !REPEATING.has(action)) return undefined;
  return action;
}

/** Whether keys belong to what has the focus. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["button", "checkbox", "radio", "range", "color", "file"].includes(target.type);
}

/** The keys of an action as people read them; `all`: every one. */
export function keysOf(action: Action, all = false): string {
  const keys = keysUnder(chosenKeys.value, action);
  return (all ? keys : keys.slice(0, 1)).map((key) => shown(key, mac)).join("  ");
}
