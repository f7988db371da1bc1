/** Where the keys that a person chose are kept: in this browser, by person. */
import { effect } from "@preact/signals";
import { me } from "./auth";
import { chosenKeys, keymapFrom, type Keymap } from "./keys";

function place(personId: string): string {
  return `rushes-keys:${personId}`;
}

function read(personId: string): Keymap {
  try {
    return keymapFrom(JSON.parse(localStorage.getItem(place(personId)) ?? "{}"));
  } catch {
    return {};
  }
}

/** Chooses keys, from now on. */
export function chooseKeys(map: Keymap): void {
  chosenKeys.value = map;
  const self = me.peek();
  if (self) localStorage.setItem(place(self.personId), JSON.stringify(map));
}

/** Whoever signs in finds their own keys. */
export function followKeys(): () => void {
  return effect(() => {
    chosenKeys.value = me.value ? read(me.value.personId) : {};
  });
}
