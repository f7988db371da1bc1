import { describe, expect, test } from "vitest";
import { parse, safe, type Block, type Inline } from "./markdown";

function shown(inlines: readonly Inline[]): string {
  return inlines
    .map((each) => {
      if (each.kind === "text") return each.text;
      if (each.kind === "code" || each.kind === "mention") return `<${each.kind} ${each.text}>`;
      if (each.kind === "link") return `<link ${each.to} ${shown(each.inside)}>`;
      return `<${each.kind} ${shown(each.inside)}>`;
    })
    .join("");
}
const line = (text: string, names: string[] = []): string =>
  parse(text, names)
    .map((block: Block) => (block.kind === "list" ? block.items : block.lines).map(shown).join("|"))
    .join("|");

describe("what is written in notes", () => {
  test("bold, italic and code", () => {
    expect(line("a **b c** d *e* `f*g*`")).toBe("a <strong b c> d <emphasis e> <code f*g*>");
    expect(line("**bold _and italic_**")).toBe("<strong bold <emphasis and italic>>");
  });
  test("signs within words and alone are themselves", () => {
    for (const text of ["shot_010_v2.mov", "2 * 3 * 4", "a*b*c", "**", "`", "* ", "**not closed", "`` "]) expect(line(text.trim())).toBe(text.trim());
  });
  test("addresses are links, without the sentence around them", () => {
    expect(line("see https://a.org/x?y=1.")).toBe("see <link https://a.org/x?y=1 https://a.org/x?y=1>.");
    expect(line("(https://a.org/x)")).toBe("(<link https://a.org/x https://a.org/x>)");
    expect(line("[the ref](/a/12?f=3) and [out](https://a.org)")).toBe("<link /a/12?f=3 the ref> and <link https://a.org/ out>");
    expect(line("见https://a.org。")).toBe("见https://a.org。");
    expect(line("见 https://a.org。")).toBe("见 <link https://a.org/ https://a.org>。");
  });
  test("nothing leads to where a page could be harmed", () => {
    for (const address of ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "//evil.org", "/\\evil.org", "vbscript:x", "blob:x", "not an address"]) {
      expect(safe(address)).toBeUndefined();
      expect(line(`[x](${address})`)).not.toContain("<link");
    }
    expect(line("<b onclick=x>y</b>")).toBe("<b onclick=x>y</b>");
  });
  test("lists and quotes are blocks, and lines stay lines", () => {
    expect(parse("one\ntwo\n- a\n- b\n1. c\n> q\n> r\nend").map(({ kind }) => kind)).toEqual(["paragraph", "list", "list", "quote", "paragraph"]);
    expect(line("one\n\ntwo")).toBe("one||two");
    expect(line("- a\n* b\n2) c")).toBe("a|b|c");
  });
  test("who is mentioned is marked by the longest name", () => {
    expect(line("@Ann Lee, see @Ann and @Bob", ["Ann", "Ann Lee"])).toBe("<mention @Ann Lee>, see <mention @Ann> and @Bob");
  });
  test("anything typed ends, and loses nothing but signs", () => {
    const signs = ["*", "_", "`", "[", "]", "(", "@", ">", "- ", "\n", "a", " ", "https://x.y", "字"];
    let seed = 7;
    const random = (most: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % most;
    const letters = (text: string): string => text.replace(/[^a字]/g, "");
    const words = (inlines: readonly Inline[]): string => inlines.map((each) => ("inside" in each ? words(each.inside) : each.text)).join("");
    for (let round = 0; round < 2000; round++) {
      const text = Array.from({ length: random(40) }, () => signs[random(signs.length)]).join("");
      const read = parse(text, ["a"]).flatMap((block) => (block.kind === "list" ? block.items : block.lines));
      expect(letters(read.map(words).join(""))).toBe(letters(text));
    }
    const many = "*".repeat(4000);
    expect(line(many)).toBe(many);
  });
});
