/**
 * The few signs of Markdown that notes know: **bold**, *italic*, `code`, lists, quotes, links and addresses. Pure.
 *
 * What it gives is a tree, never markup, so nothing that is typed can become more than text; and an address is only a link
 * where it leads to the web, to mail, or into this page.
 */

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "emphasis"; inside: Inline[] }
  | { kind: "link"; to: string; inside: Inline[] }
  | { kind: "mention"; text: string };

export type Block =
  | { kind: "paragraph" | "quote"; lines: Inline[][] }
  | { kind: "list"; ordered: boolean; items: Inline[][] };

const ADDRESS = /(?:https?:\/\/|mailto:)[^\s<>"']+/y;
const NAMED = /\[([^[\]\n]{1,500})\]\(([^\s()<>]{1,2000})\)/y;
const DEEPEST = 8;
const ITEM = /^\s{0,3}(?:[-*•]|(\d{1,9})[.)])\s+(.*)$/;
const QUOTE = /^>\s?(.*)$/;

/** Where an address may lead; undefined: nowhere. */
export function safe(address: string): string | undefined {
  if (/^\/(?!\/)/.test(address) && !address.includes("\\")) return address;
  try {
    const url = new URL(address);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

class Reader {
  constructor(
    private readonly text: string,
    private readonly names: readonly string[],
    private readonly depth: number,
  ) {}

  read(): Inline[] {
    const found: Inline[] = [];
    let plain = "";
    for (let at = 0; at < this.text.length; ) {
      const next = this.next(at);
      if (next) {
        if (plain) found.push({ kind: "text", text: plain });
        plain = "";
        found.push(next.inline);
        at = next.end;
      } else {
        plain += this.text[at] ?? "";
        at++;
      }
    }
    if (plain) found.push({ kind: "text", text: plain });
    return found;
  }

  private next(at: number): { inline: Inline; end: number } | undefined {
    const sign = this.text[at];
    if (sign === "`") return this.code(at);
    if (sign === "*" || sign === "_") return this.marked(at, sign);
    if (sign === "[") return this.named(at);
    if (sign === "@") return this.mention(at);
    if (sign === "h" || sign === "m") return this.address(at);
    return undefined;
  }

  private inner(text: string): Inline[] {
    return this.depth >= DEEPEST ? [{ kind: "text", text }] : new Reader(text, this.names, this.depth + 1).read();
  }

  private code(at: number): { inline: Inline; end: number } | undefined {
    const end = this.text.indexOf("`", at + 1);
    if (end <= at + 1) return undefined;
    return { inline: { kind: "code", text: this.text.slice(at + 1, end) }, end: end + 1 };
  }

  private marked(at: number, sign: string): { inline: Inline; end: number } | undefined {
    // Within a word a sign is itself: shot_010_v2.
    if (/[\p{L}\p{N}]/u.test(this.text[at - 1] ?? "")) return undefined;
    const double = this.text[at + 1] === sign;
    const mark = double ? sign + sign : sign;
    const from = at + mark.length;
    if (this.text[from] === sign || /^\s?$/.test(this.text[from] ?? "")) return undefined;
    for (let end = this.text.indexOf(mark, from + 1); end > 0; end = this.text.indexOf(mark, end + 1)) {
      const after = this.text[end + mark.length] ?? "";
      const free = !/[\p{L}\p{N}]/u.test(after) && after !== sign && !/\s/.test(this.text[end - 1] ?? " ");
      if (free) return { inline: { kind: double ? "strong" : "emphasis", inside: this.inner(this.text.slice(from, end)) }, end: end + mark.length };
    }
    return undefined;
  }

  private named(at: number): { inline: Inline; end: number } | undefined {
    NAMED.lastIndex = at;
    const [whole, name = "", address = ""] = NAMED.exec(this.text) ?? [];
    const to = whole === undefined ? undefined : safe(address);
    if (whole === undefined || to === undefined) return undefined;
    return { inline: { kind: "link", to, inside: [{ kind: "text", text: name }] }, end: at + whole.length };
  }

  private address(at: number): { inline: Inline; end: number } | undefined {
    if (/[\p{L}\p{N}]/u.test(this.text[at - 1] ?? "")) return undefined;
    ADDRESS.lastIndex = at;
    // A full stop at the end belongs to the sentence, a bracket only where one was opened.
    let found = ADDRESS.exec(this.text)?.[0].replace(/[.,;:!?…。，；：！？]+$/u, "") ?? "";
    if (found.endsWith(")") && !found.includes("(")) found = found.slice(0, -1);
    const to = found ? safe(found) : undefined;
    return to === undefined ? undefined : { inline: { kind: "link", to, inside: [{ kind: "text", text: found }] }, end: at + found.length };
  }

  private mention(at: number): { inline: Inline; end: number } | undefined {
    const name = this.names.find((each) => this.text.startsWith(each, at + 1));
    return name ? { inline: { kind: "mention", text: `@${name}` }, end: at + 1 + name.length } : undefined;
  }
}

/** A note's text as blocks. `names`: of those who are mentioned in it, the longest first. */
export function parse(text: string, names: readonly string[] = []): Block[] {
  const longest = [...names].filter(Boolean).sort((a, b) => b.length - a.length);
  const inline = (line: string): Inline[] => new Reader(line, longest, 0).read();
  const blocks: Block[] = [];
  for (const line of text.split("\n")) {
    const last = blocks.at(-1);
    const [, number, item] = ITEM.exec(line) ?? [];
    const quoted = QUOTE.exec(line)?.[1];
    if (item !== undefined) {
      const ordered = number !== undefined;
      if (last?.kind === "list" && last.ordered === ordered) last.items.push(inline(item));
      else blocks.push({ kind: "list", ordered, items: [inline(item)] });
    } else {
      const kind = quoted === undefined ? "paragraph" : "quote";
      if (last?.kind === kind) last.lines.push(inline(quoted ?? line));
      else blocks.push({ kind, lines: [inline(quoted ?? line)] });
    }
  }
  return blocks;
}
