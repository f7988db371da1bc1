import { readFileSync } from "node:fs";
import { effect } from "@preact/signals";
import { afterEach, describe, expect, test } from "vitest";
import { count, fill, said, setMessages, t } from ".";
import { en } from "./en";
import { languageFor } from "./language";
import { zh } from "./zh";
import { zhReasons } from "./zh_reasons";

afterEach(() => setMessages("en", en));

const english: Record<string, string> = en;
const chinese: Record<string, string> = zh;
const names = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "").sort();

describe("messages", () => {
  test("values stand in the place of their names", () => {
    expect(fill("{a} of {b}", { a: 1, b: "two" })).toBe("1 of two");
  });
  test("a name without a value is left as it is", () => {
    expect(fill("{a} of {b}", { a: 1 })).toBe("1 of {b}");
  });
  test("a count takes the form of its language", () => {
    expect(count("notes.count", 1)).toBe("1 note");
    expect(count("notes.count", 2)).toBe("2 notes");
    setMessages("zh-CN", zh);
    expect(count("notes.count", 1)).toBe("1 条批注");
    expect(count("notes.count", 2000)).toBe("2,000 条批注");
  });
  test("no message is empty", () => {
    expect([...Object.entries(english), ...Object.entries(chinese)].filter(([, text]) => text.trim() === "")).toEqual([]);
  });
  test("a message with a value says it", () => {
    expect(t("upload.interrupted", { name: "a.mp4" })).toContain("a.mp4");
  });
  test("what shows a message says it anew when the language changes", () => {
    const said: string[] = [];
    const stop = effect(() => void said.push(t("ui.close")));
    setMessages("zh-CN", zh);
    stop();
    expect(said).toEqual(["Close", "关闭"]);
  });
});

describe("Chinese", () => {
  test("it has every message, and of counts the one form that it has", () => {
    const expected = Object.keys(en).filter((key) => !(key.endsWith(".one") && `${key.slice(0, -4)}.other` in en));
    expect(Object.keys(zh).sort()).toEqual(expected.sort());
  });
  test("each message has the values of the English one", () => {
    const other = Object.keys(zh).filter((key) => names(chinese[key] ?? "").join() !== names(english[key] ?? "").join());
    expect(other).toEqual([]);
  });
  test("a message in it has no English left but names of keys, units and kinds of files", () => {
    const latin = /[A-Za-z]{3,}/;
    const left = Object.entries(chinese).filter(([, text]) => latin.test(text.replace(/\{\w+\}|Shift|Ctrl|Alt|PDF|CSV|JSON|OTIO|EDL|OpenRV|DaVinci Resolve|OBS|WHIP|WHEP|ffmpeg|whip/g, "")));
    expect(left).toEqual([]);
  });
});

describe("what services say", () => {
  test("it is said in the language of the page where that has words for it", () => {
    expect(said("DISK_FULL", "The disk is full.")).toBe("The disk is full.");
    setMessages("zh-CN", zh, zhReasons);
    expect(said("DISK_FULL", "The disk is full.")).toBe("服务器空间已满。");
    expect(said("LOG_LOCKED", "Another process has the log.")).toBe("Another process has the log.");
  });
  test("each reason in Chinese is one that there is", () => {
    const known = readFileSync("../docs/errors.md", "utf8");
    expect(Object.keys(zhReasons).filter((reason) => !known.includes(`\`${reason}\``))).toEqual([]);
  });
});

describe("the language", () => {
  test("what was chosen counts before what the browser asks for", () => {
    expect(languageFor("en", ["zh-CN"])).toBe("en");
    expect(languageFor(null, ["zh-CN", "en"])).toBe("zh-CN");
  });
  test("a language that the page has not is passed over", () => {
    expect(languageFor(null, ["fr-FR", "zh-TW"])).toBe("zh-CN");
    expect(languageFor(null, ["fr"])).toBe("en");
    expect(languageFor("xx", [])).toBe("en");
  });
});
