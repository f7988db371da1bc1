/** People and tags in a text: what is being asked for while one types, and who is meant in the end. Pure. */

export interface Person {
  personId: string;
  name: string;
}

export interface Asking {
  sign: "@" | "#";
  /** Where the sign stands. */
  from: number;
  query: string;
}

const ASKING = /(^|[\s(（，。、])([@#])([^\s@#]{0,40}(?: [^\s@#]{1,40})?)$/u;
const TAG = /(?:^|[\s(（，。、])#([\p{L}\p{N}][\p{L}\p{N}_-]{0,39})/gu;
const MOST = 6;

/** What the text before the caret asks for; undefined: nothing. */
export function askingAt(text: string, caret: number): Asking | undefined {
  const [whole, before = "", sign, query = ""] = ASKING.exec(text.slice(0, caret)) ?? [];
  if (whole === undefined || (sign !== "@" && sign !== "#")) return undefined;
  if (sign === "#" && query.includes(" ")) return undefined;
  return { sign, from: caret - whole.length + before.length, query };
}

function begins(name: string, query: string): boolean {
  const [whole, wanted] = [name.toLocaleLowerCase(), query.toLocaleLowerCase()];
  return whole.startsWith(wanted) || whole.split(/[\s._-]+/).some((word) => word.startsWith(wanted));
}

/** People whose name, or a word of it, begins so. */
export function peopleFor(people: readonly Person[], query: string): Person[] {
  return people.filter(({ name }) => name !== "" && begins(name, query)).slice(0, MOST);
}

/** Tags that begin so. */
export function tagsFor(tags: readonly string[], query: string): string[] {
  return tags.filter((tag) => !/\s/.test(tag) && begins(tag, query)).slice(0, MOST);
}

/** People whose name stands in the text behind an @; of names that begin alike the longest counts. */
export function mentioned(text: string, people: readonly Person[]): Person[] {
  const longest = people.filter(({ name }) => name !== "").sort((a, b) => b.name.length - a.name.length);
  const found = new Map<string, Person>();
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    for (const person of longest) {
      if (!text.startsWith(person.name, at + 1)) continue;
      // Two of the same name are both meant: it cannot be told which.
      for (const same of longest) if (same.name === person.name) found.set(same.personId, same);
      break;
    }
  }
  return [...found.values()];
}

/** Tags that stand in the text behind a #. */
export function tagsIn(text: string): string[] {
  return [...new Set([...text.matchAll(TAG)].map(([, tag]) => tag ?? ""))];
}
