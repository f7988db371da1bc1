import { describe, expect, test } from "vitest";
import { actionOf, GROUPS, keysOf, shown, type KeyPress } from "./keys";

function press(key: string, more: Partial<KeyPress> = {}): KeyPress {
  const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false, keyCode: 0, repeat: false };
  return { key, code: "", ...none, ...more };
}

const action = (key: string, more: Partial<KeyPress> = {}, typing = false, mac = false): string | undefined =>
  actionOf(press(key, more), mac, typing);

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
  test("while one types only play and pause has a key", () => {
    expect(action(" ", {}, true)).toBeUndefined();
    expect(action("z", { ctrlKey: true }, true)).toBeUndefined();
    expect(action("π", { altKey: true, code: "KeyP" }, true)).toBe("play.toggleTyping");
  });
  test("an input method keeps its keys", () => {
    expect(action("d", { isComposing: true })).toBeUndefined();
    expect(action("Process", { keyCode: 229 })).toBeUndefined();
  });
  test("on a layout without Latin letters the place of the key counts", () => expect(action("в", { code: "KeyD" })).toBe("tool.pen"));
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
    expect(keysOf("note.new", true)).toBe("N  ;");
  });
  test("the sheet names each action once", () => {
    const all = Object.values(GROUPS).flat();
    expect(new Set(all).size).toBe(all.length);
  });
});
