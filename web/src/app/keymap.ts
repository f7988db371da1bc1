/** Where the keys that a person chose are kept: with their settings, and in this browser, where they are at once and without a network. */
import { effect } from "@preact/signals";
import { me } from "./auth";
import { chosenKeys, keymapFrom, type Keymap } from "./keys";
import { kept, type Kept } from "./settings";

const NAME = "keys";

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

function setting(): Kept<Keymap> {
  return kept(NAME, keymapFrom);
}

/** Chooses keys, from now on, wherever one signs in. */
export function chooseKeys(map: Keymap): void {
  chosenKeys.value = map;
  const self = me.peek();
  if (!self) return;
  localStorage.setItem(place(self.personId), JSON.stringify(map));
  setting().change(() => map);
}

/** Whoever signs in finds their own keys. */
export function followKeys(): () => void {
  let stop: () => void = () => undefined;
  const stopAll = effect(() => {
    stop();
    const personId = me.value?.personId ?? "";
    chosenKeys.value = personId ? read(personId) : {};
    if (!personId) return;
    stop = setting().value.subscribe((map) => {
      if (!map) return;
      chosenKeys.value = map;
      localStorage.setItem(place(personId), JSON.stringify(map));
    });
  });
  return () => {
    stop();
    stopAll();
  };
}
