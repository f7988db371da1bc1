/** Which language the page speaks: what one chose, else the first that the browser asks for and the page has. */
import { setMessages } from ".";
import { en } from "./en";

/** Languages by their codes, each by its own name. */
export const LANGUAGES = { en: "English", "zh-CN": "简体中文" } as const;

export type LanguageCode = keyof typeof LANGUAGES;

const KEY = "rushes-language";

type Words = Parameters<typeof setMessages> extends [string, ...infer Rest] ? Rest : never;

const LOADERS: Record<LanguageCode, () => Promise<Words>> = {
  en: () => Promise.resolve([en]),
  "zh-CN": async () => {
    const [{ zh }, { zhReasons }] = await Promise.all([import("./zh"), import("./zh_reasons")]);
    return [zh, zhReasons];
  },
};

/** The language for what was chosen and what the browser asks for, in its order. Pure. */
export function languageFor(chosen: string | null, asked: readonly string[]): LanguageCode {
  for (const tag of [chosen ?? "", ...asked]) {
    const code = tag.toLowerCase();
    // Whoever reads traditional characters reads simplified ones rather than English.
    if (/^zh\b/.test(code)) return "zh-CN";
    if (/^en\b/.test(code)) return "en";
  }
  return "en";
}

/** Puts a language in place, once its words are here. */
async function speak(code: LanguageCode): Promise<void> {
  setMessages(code, ...(await LOADERS[code]()));
  document.documentElement.lang = code;
}

/** Begins in the language of this browser; when its words cannot be had, in English. */
export async function begin(): Promise<void> {
  const code = languageFor(localStorage.getItem(KEY), navigator.languages);
  if (code !== "en") await speak(code).catch(() => undefined);
}

/** Chooses a language, in this browser from now on. */
export async function choose(code: LanguageCode): Promise<void> {
  await speak(code);
  localStorage.setItem(KEY, code);
}
