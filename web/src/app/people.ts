/** Names and colours of people, asked for in one go and kept. */
import { signal, type Signal } from "@preact/signals";
import { colorOfId } from "../ui/color";
import { identity } from "./api";
import { me } from "./auth";

export interface Known {
  name: string;
  color: number;
}

const MOST = 100;
const known = new Map<string, Signal<Known>>();
const asked = new Set<string>();
const waiting = new Set<string>();

async function ask(): Promise<void> {
  const personIds = [...waiting].slice(0, MOST);
  for (const id of personIds) waiting.delete(id);
  if (waiting.size > 0) queueMicrotask(() => void ask());
  try {
    const { people } = await identity.listPeople({ personIds, pageSize: MOST });
    for (const { personId, name, color } of people) remember(personId, { name, color });
  } catch {
    // Names are an extra: without them people keep the colour of their id; the next who asks tries again.
    for (const id of personIds) asked.delete(id);
  }
}

/** Takes what is known of a person from elsewhere, such as presence. */
export function remember(id: string, person: Partial<Known>): void {
  const now = entry(id);
  const next = { ...now.value, ...person };
  if (next.name !== now.value.name || next.color !== now.value.color) now.value = next;
}

function entry(id: string): Signal<Known> {
  let found = known.get(id);
  if (!found) {
    found = signal({ name: "", color: colorOfId(id) });
    known.set(id, found);
  }
  return found;
}

/** What is known of a person; asks when nothing is. Reading it in a component follows what becomes known. */
export function person(id: string): Known {
  const self = me.value;
  if (self && self.personId === id) return { name: self.name, color: self.color };
  if (id !== "" && !asked.has(id)) {
    asked.add(id);
    if (waiting.size === 0) setTimeout(() => void ask(), 20);
    waiting.add(id);
  }
  return entry(id).value;
}

/** The name of a person, once it is known; empty when it cannot be found out. */
export async function nameOf(id: string): Promise<string> {
  if (!person(id).name) {
    const { people } = await identity.listPeople({ personIds: [id], pageSize: 1 }).catch(() => ({ people: [] }));
    for (const { personId, name, color } of people) remember(personId, { name, color });
  }
  return entry(id).peek().name;
}
