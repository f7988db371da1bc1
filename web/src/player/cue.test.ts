import { describe, expect, it } from "vitest";
import { cuesOf, piecesOf, showing } from "./cue";

const VTT = "WEBVTT\n\n00:00:01.000 --> 00:00:02.500 line:10%\n<i>Hello</i> you &amp; <b><u>me</u></b>\nagain\n\n01:00:00.000 --> 01:00:01.000\nlate\n";

describe("cues", () => {
  it("have their times and their words with their looks", () => {
    const cues = cuesOf(VTT);
    expect(cues.map(({ from, to }) => [from, to])).toEqual([
      [1, 2.5],
      [3600, 3601],
    ]);
    expect(cues[0]?.pieces.map(({ text, italic, bold, underlined }) => [text, italic, bold, underlined])).toEqual([
      ["Hello", true, false, false],
      [" you & ", false, false, false],
      ["me", false, true, true],
      ["\nagain", false, false, false],
    ]);
  });

  it("show from the frame that begins at their time up to the one at their end", () => {
    const cues = cuesOf(VTT);
    expect([0.99, 1, 2.499, 2.5].map((at) => showing(cues, at).length)).toEqual([0, 1, 1, 0]);
    expect(showing(cues, 1 - 1 / 3000)).toHaveLength(1);
  });

  it("never make marks of words", () => {
    expect(piecesOf("&lt;script&gt;<img src=x>")).toEqual([{ text: "<script><img src=x>", italic: false, bold: false, underlined: false }]);
  });
});
