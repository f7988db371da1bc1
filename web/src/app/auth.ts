/** Who is signed in. The secret is in a cookie that this code cannot read. */
import { signal } from "@preact/signals";
import { renew } from "../session/shared_socket";
import { forgetShelf, keepShelf } from "../session/shelf";
import { mediaCache } from "../worker/message";
import { answersAreOf, identity, onReached, onSignedOut } from "./api";
import { HttpError, isSignedOut } from "./error";
import { isUnreachable } from "./kept_answers";

export interface Me {
  personId: string;
  name: string;
  email: string;
  color: number;
  guest: boolean;
  administrator: boolean;
}

/** undefined: not known yet; null: nobody. */
export const me = signal<Me | null | undefined>(undefined);

/** Nobody could be asked: what was seen before is shown. */
export const unreached = signal(false);

const KEY = "rushes-me";

function remembered(): Me | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null") as Me | null;
  } catch {
    return null;
  }
}

/** Forgets the files that a person saw. */
async function forgetMedia(personId: string): Promise<void> {
  if ("caches" in globalThis) await caches.delete(mediaCache(personId));
}

/** From now on this is who is here. Of who was, nothing stays that they saw; what they made and is not sent stays. */
function become(who: Me | null): void {
  // Another page may have signed out already: who was here on this one is forgotten all the same.
  const before = me.peek() ?? remembered();
  if (before && before.personId !== who?.personId) {
    void forgetShelf(before.personId);
    void forgetMedia(before.personId);
  }
  if (who) {
    localStorage.setItem(KEY, JSON.stringify(who));
    keepShelf(who.personId);
  } else localStorage.removeItem(KEY);
  answersAreOf(who?.personId ?? "");
  me.value = who;
}

type Answer = Partial<Record<string, string>>;

function parsed(text: string): Answer | undefined {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return undefined;
  }
}

async function post(path: string, body: Record<string, string>): Promise<Answer> {
  const answer = await fetch(path, {
    method: "POST",
    credentials: "same-origin",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  const data = parsed(text);
  if (!data) throw new HttpError(answer.status, "NOT_JSON", text.slice(0, 200) || answer.statusText);
  if (!answer.ok) throw new HttpError(answer.status, data["reason"] ?? "", data["message"] ?? answer.statusText);
  renew(); // each of them changes who one is
  return data;
}

async function ask(): Promise<Me | null> {
  const state = await fetch("/auth/state", { credentials: "same-origin" });
  if (state.status >= 500) throw new TypeError(state.statusText);
  const signedIn = state.ok && ((await state.json()) as { signed_in?: boolean }).signed_in === true;
  return signedIn ? fetchMe() : null;
}

/** Finds out who is signed in. When nobody can be asked, it is who was last, if anybody. */
export async function load(): Promise<void> {
  try {
    become(await ask());
    unreached.value = false;
  } catch (error) {
    if (isSignedOut(error)) return become(null);
    const before = remembered();
    if (!isUnreachable(error) || !before) throw error;
    unreached.value = true;
    become(before);
  }
}

function again(): void {
  if (!unreached.peek()) return;
  unreached.value = false;
  load().catch(() => undefined);
}

/** Asks again when the network is back, or somebody answered. */
export function askAgain(): () => void {
  onReached(again);
  addEventListener("online", again);
  return () => removeEventListener("online", again);
}

async function fetchMe(): Promise<Me | null> {
  const { person } = await identity.getMe({});
  if (!person) return null;
  const { personId, name, email, color, guest, administrator } = person;
  return { personId, name, email, color, guest, administrator };
}

/** Opens a session. */
export async function signIn(email: string, password: string): Promise<void> {
  await post("/auth/sign-in", { email, password });
  become(await fetchMe());
}

/** Ends it. */
export async function signOut(): Promise<void> {
  await post("/auth/sign-out", {});
  become(null);
}

export interface Newcomer {
  name: string;
  email: string;
  password: string;
}

/** Accepts an invitation, as who is signed in or as a newcomer. Gives the project. Sent again with the same request_id it is done once. */
export async function accept(secret: string, newcomer: Newcomer | undefined, requestId: string): Promise<string> {
  const who = newcomer ? { ...newcomer } : {};
  const answer = await post("/auth/accept", { secret, ...who, request_id: requestId });
  become(await fetchMe());
  return answer["project_id"] ?? "";
}

onSignedOut(() => {
  if (me.value) become(null);
});
