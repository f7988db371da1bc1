/** Letters as people count them: what a script or an emoji is made of stays together. */
const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The letters of a text. */
export function lettersOf(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
