/** What tags of a note mean: who is mentioned, how urgent it is, of what kind it is, and plain ones. Pure. */

export const PRIORITIES = ["high", "medium", "low"] as const;
export type Priority = (typeof PRIORITIES)[number];
export const CATEGORIES = ["edit", "vfx", "color", "sound", "text"] as const;
export type Category = (typeof CATEGORIES)[number];

const PERSON = "@";
const PRIORITY = "priority:";
const CATEGORY = "category:";

export interface Labels {
  people: string[];
  priority: Priority | undefined;
  category: Category | undefined;
  plain: string[];
}

function known<T extends string>(list: readonly T[], tag: string, prefix: string): T | undefined {
  return tag.startsWith(prefix) ? list.find((each) => each === tag.slice(prefix.length)) : undefined;
}

/** The tags of a note, by what they mean. */
export function labelsOf(tags: readonly string[]): Labels {
  const labels: Labels = { people: [], priority: undefined, category: undefined, plain: [] };
  for (const tag of tags) {
    const [priority, category] = [known(PRIORITIES, tag, PRIORITY), known(CATEGORIES, tag, CATEGORY)];
    if (tag.startsWith(PERSON) && tag.length > 1) labels.people.push(tag.slice(1));
    else if (priority) labels.priority ??= priority;
    else if (category) labels.category ??= category;
    else labels.plain.push(tag);
  }
  return labels;
}

/** The tag that marks a note for a person. */
export function personTag(personId: string): string {
  return PERSON + personId;
}

/** The tag of a priority. */
export function priorityTag(priority: Priority): string {
  return PRIORITY + priority;
}

/** The tag of a category. */
export function categoryTag(category: Category): string {
  return CATEGORY + category;
}

/** Where a note stands among others by urgency: 0 first. */
export function rankOf(tags: readonly string[]): number {
  const { priority } = labelsOf(tags);
  const places: readonly (Priority | undefined)[] = ["high", "medium", undefined, "low"];
  return places.indexOf(priority);
}

export interface Change {
  tag: string;
  on: boolean;
}

/** What sets one of a group, such as a priority, in the place of another: the tag again takes it away. */
export function choose(tags: readonly string[], tag: string, group: readonly string[]): Change[] {
  if (tags.includes(tag)) return [{ tag, on: false }];
  return [...group.filter((other) => other !== tag && tags.includes(other)).map((other) => ({ tag: other, on: false })), { tag, on: true }];
}
