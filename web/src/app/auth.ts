/** Who is signed in. The secret is in a cookie that this code cannot read. */
import { signal } from "@preact/signals";
import { identity, onSignedOut } from "./api";
import { HttpError, isSignedOut } from "./error";

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
  return data;
}

/** Finds out who is signed in. */
export async function load(): Promise<void> {
  try {
    const state = await fetch("/auth/state", { credentials: "same-origin" });
    const signedIn = state.ok && ((await state.json()) as { signed_in?: boolean }).signed_in === true;
    me.value = signedIn ? await fetchMe() : null;
  } catch (error) {
    if (isSignedOut(error)) me.value = null;
    else throw error;
  }
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
  me.value = await fetchMe();
}

/** Ends it. */
export async function signOut(): Promise<void> {
  await post("/auth/sign-out", {});
  me.value = null;
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
  me.value = await fetchMe();
  return answer["project_id"] ?? "";
}

onSignedOut(() => {
  if (me.value) me.value = null;
});
