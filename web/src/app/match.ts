/** How well words match what is typed. Pure. */

/**
 * A score for a text and a query; undefined: it does not match. Each word of the query must be in the text: whole words count
 * most, then beginnings of words, then anything within; at last the letters of the query in their order ("nf" finds "next frame").
 */
export function score(text: string, query: string): number | undefined {
  const [low, words] = [text.toLocaleLowerCase(), query.toLocaleLowerCase().split(/\s+/u).filter(Boolean)];
  if (words.length === 0) return 0;
  let sum = 0;
  for (const word of words) {
    const one = wordScore(low, word);
    if (one === undefined) return initialsScore(low, words.join(""));
    sum += one;
  }
  // Of two that match alike the shorter one is meant.
  return sum / words.length - Math.min(0.5, low.length / 400);
}

function wordScore(text: string, word: string): number | undefined {
  let best: number | undefined;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const begins = at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? "");
    const ends = at + word.length === text.length || !/[\p{L}\p{N}]/u.test(text[at + word.length] ?? "");
    const one = (begins ? 2 : 1) + (begins && ends ? 1 : 0) + (at === 0 ? 0.5 : 0);
    best = Math.max(best ?? 0, one);
  }
  return best;
}

function initialsScore(text: string, letters: string): number | undefined {
  const initials = text.split(/[^\p{L}\p{N}]+/u).map((word) => word[0] ?? "").join("");
  return letters.length > 1 && initials.includes(letters) ? 0.5 : undefined;
}

/** The first of a list, the one that is meant (if it is there) before all others. */
export function foremost<T>(items: readonly T[], isMeant: (item: T) => boolean, most: number): T[] {
  return [...items.filter(isMeant), ...items.filter((item) => !isMeant(item))].slice(0, most);
}

/** The best of a list, best first; what matches alike keeps its order. */
export function best<T>(items: readonly T[], textOf: (item: T) => string, query: string, most: number): T[] {
  const scored = items.flatMap((item) => {
    const found = score(textOf(item), query);
    return found === undefined ? [] : [{ item, found }];
  });
  return scored
    .sort((a, b) => b.found - a.found)
    .slice(0, most)
    .map(({ item }) => item);
}
