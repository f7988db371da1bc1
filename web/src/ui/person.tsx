/** People as small round signs. */
import type { JSX } from "preact";
import { css, isLight } from "./color";
import { lettersOf } from "./letters";

/** One or two letters for a name. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const first = lettersOf(words[0] ?? "?")[0] ?? "?";
  const second = words.length > 1 ? (lettersOf(words[words.length - 1] ?? "")[0] ?? "") : "";
  return (first + second).toLocaleUpperCase();
}

interface AvatarProps {
  name: string;
  color: number;
  small?: boolean;
}

/** The sign of a person. Its letters are painted, not words: whoever says what is to be pressed says the name. */
export function Avatar({ name, color, small }: AvatarProps): JSX.Element {
  return (
    <span
      class={`avatar${small ? " small" : ""}`}
      style={{ background: css(color), color: isLight(color) ? "#101010" : "#f0f0f0" }}
      data-letters={initials(name)}
      aria-hidden="true"
    />
  );
}
