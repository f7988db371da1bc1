import { afterEach, describe, expect, test } from "vitest";
import { shown, written, type KeyPress } from "./keypress";
import { actionOf, ACTIONS, chosenKeys, clash, give, GROUPS, keymapFrom, keysOf, mayHave, tableOf } from "./keys";

function press(key: string, more: Partial<KeyPress> = {}): KeyPress {
  const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false, keyCode: 0, repeat: false };
  return { key, code: "", ...none, ...more };
}

const action = (key: string, more: Partial<KeyPress> = {}, typing = false, mac = false): string | undefined =>
  actionOf(press(key, more), mac, typing);

afterEach(() => void (chosenKeys.value = {}));

describe("shortcuts", () => {
  test("keys do what their hands expect", () => {
    expect(action(" ")).toBe("play.toggle");
    expect(action("ArrowLeft", { shiftKey: true })).toBe("step.back5");
    expect(action("F", { shiftKey: true })).toBe("view.full");
    expect(action("D")).toBe("tool.pen");
    expect(action("?", { shiftKey: true })).toBe("help.keys");
  });
  test("undo is with Ctrl, on a Mac with Command", () => {
    expect(action("z", { ctrlKey: true })).toBe("edit.undo");
    expect(action("Z", { ctrlKey: true, shiftKey: true })).toBe("edit.redo");
    expect(action("z", { metaKey: true }, false, true)).toBe("edit.undo");
    expect(action("z", { ctrlKey: true }, false, true)).toBeUndefined();
    expect(action("l", { ctrlKey: true })).toBe("play.loop");
    expect(action("l", { ctrlKey: true }, false, true)).toBe("play.loop");
  });
  test("while one types only play and pause, and the palette, have a key", () => {
    expect(action(" ", {}, true)).toBeUndefined();
    expect(action("z", { ctrlKey: true }, true)).toBeUndefined();
    expect(action("π", { altKey: true, code: "KeyP" }, true)).toBe("play.toggleTyping");
    expect(action("k", { ctrlKey: true }, true)).toBe("help.palette");
  });
  test("an input method keeps its keys", () => {
    expect(action("d", { isComposing: true })).toBeUndefined();
    expect(action("Process", { keyCode: 229 })).toBeUndefined();
    expect(written(press("d", { isComposing: true }), false)).toBeUndefined();
  });
  test("steps repeat while a key is held, play does not", () => {
    expect(action("ArrowRight", { repeat: true })).toBe("step.on");
    expect(action(" ", { repeat: true })).toBeUndefined();
  });
  test("keys that are not ours are left alone", () => {
    expect(action("r", { ctrlKey: true })).toBeUndefined();
    expect(action("d", { metaKey: true })).toBeUndefined();
  });
  test("keys are written as people read them", () => {
    expect(shown("Mod+Shift+z", false)).toBe("Ctrl+Shift+Z");
    expect(shown("Mod+Shift+z", true)).toBe("⌘⇧Z");
    expect(shown("Mod++", false)).toBe("Ctrl++");
    expect(keysOf("note.new", true)).toBe("N  ;");
  });
  test("the sheet names each action once, and all of them", () => {
    expect(Object.values(GROUPS).flat().sort()).toEqual([...ACTIONS].sort());
  });
  test("no two actions have the same key by default", () => {
    for (const mac of [true, false]) {
      expect(ACTIONS.filter((each) => [...tableOf({}, mac).values()].includes(each)).sort()).toEqual([...ACTIONS].sort());
    }
  });
});

describe("layouts", () => {
  test("without Latin letters the place of the key counts", () => {
    expect(action("в", { code: "KeyD" })).toBe("tool.pen");
    expect(action("ю", { code: "Period" })).toBe("go.nextNote");
    expect(action("？", { code: "Slash", shiftKey: true })).toBe("help.keys");
  });
  test("letters follow the layout, not the place", () => {
    expect(action("e", { code: "KeyD" })).toBe("tool.eraser");
    expect(action("a", { code: "KeyQ" })).toBe("tool.arrow");
  });
  test("a sign that the layout has nowhere else is found by its place", () => {
    expect(action("ü", { code: "BracketLeft" })).toBe("tool.narrower");
    expect(action("Dead", { code: "BracketRight" })).toBe("tool.wider");
  });
  test("a sign counts for itself before its place does", () => {
    expect(action(",", { code: "KeyM" })).toBe("go.previousNote");
    expect(action(";", { code: "Comma" })).toBe("note.new");
  });
});

describe("keys of one's own", () => {
  test("a key that is given to an action is taken from the other", () => {
    const map = give({}, "tool.pen", "n", false);
    expect(map).toEqual({ "tool.pen": ["n"], "note.new": [";"] });
    chosenKeys.value = map;
    expect(action("n")).toBe("tool.pen");
    expect(action(";")).toBe("note.new");
    expect(action("d")).toBeUndefined();
    expect(keysOf("tool.pen")).toBe("N");
  });
  test("a clash names the other action", () => {
    expect(clash({}, "tool.pen", "e", false)).toBe("tool.eraser");
    expect(clash({}, "tool.pen", "d", false)).toBeUndefined();
    expect(clash({}, "tool.pen", "Mod+l", false)).toBe("play.loop");
    expect(clash({}, "tool.pen", "Mod+l", true)).toBeUndefined();
  });
  test("keys that browsers keep, and letters while one types, cannot be had", () => {
    expect(mayHave("tool.pen", "Mod+w")).toBe(false);
    expect(mayHave("play.toggleTyping", "q")).toBe(false);
    expect(mayHave("play.toggleTyping", "Alt+q")).toBe(true);
  });
  test("what was kept is checked before it counts", () => {
    expect(keymapFrom({ "tool.pen": ["q"], "tool.none": ["x"], "tool.line": "w", "tool.text": [1], "view.fit": [] })).toEqual({
      "tool.pen": ["q"],
      "view.fit": [],
    });
    expect(keymapFrom("x")).toEqual({});
  });
});
