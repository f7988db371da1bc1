/** Words of the page: typed keys, one file a language. English is always there; another is put over it when it is chosen. */
import { signal } from "@preact/signals";
import { en } from "./en";

export type Key = keyof typeof en;
type Names<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Values<K extends Key> = Names<(typeof en)[K]>;
type Arguments<K extends Key> = [Values<K>] extends [never] ? [] : [values: Record<Values<K>, string | number>];
export type Messages = Record<Key, string>;
/** What a language without a plural has: of counts only `.other`. */
export type Translation = Record<Exclude<Key, `${string}.one`>, string>;
type Counted<K> = K extends `${infer Base}.other` ? Base : never;
export type CountKey = Counted<Key>;

interface Language {
  code: string;
  messages: Messages;
  rules: Intl.PluralRules;
  /** Errors of the services by their reasons; English is what they say themselves. */
  reasons: Readonly<Record<string, string>>;
}

/** What shows a message follows it: it is said anew when the language changes. */
const language = signal<Language>({ code: "en", messages: en, rules: new Intl.PluralRules("en"), reasons: {} });

/** Puts the words of a language in place; what it lacks stays English. */
export function setMessages(code: string, words: Partial<Messages>, reasons: Language["reasons"] = {}): void {
  language.value = { code, messages: { ...en, ...words }, rules: new Intl.PluralRules(code), reasons };
}

/** What a service says, in the language of the page where that has words for its reason. */
export function said(reason: string, message: string): string {
  return language.value.reasons[reason] ?? message;
}

/** The language that words, dates and numbers are in. */
export function currentLanguage(): string {
  return language.value.code;
}

/** Puts values in the place of {names}. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : String(value);
  });
}

/** The message of a key, with its values. */
export function t<K extends Key>(key: K, ...values: Arguments<K>): string {
  return fill(language.value.messages[key], values[0] ?? {});
}

/** The message for a count: `key.one`, `key.other` and what else the language has. The count is {n}. */
export function count(key: CountKey, n: number, values: Record<string, string | number> = {}): string {
  const { code, messages, rules } = language.value;
  const table = messages as Record<string, string>;
  const text = table[`${key}.${rules.select(n)}`] ?? table[`${key}.other`] ?? "";
  return fill(text, { n: n.toLocaleString(code), ...values });
}

/** A number as the language writes it. */
export function number(value: number): string {
  return value.toLocaleString(language.value.code);
}
