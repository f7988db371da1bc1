import { describe, expect, test } from "vitest";
import { frameMeant, labelOf, parseTimecode, timecode, type Labels } from "./timecode";

const NTSC = { num: 30000, den: 1001 };
const FAST = { num: 60000, den: 1001 };
const FILM = { num: 24000, den: 1001 };

describe("timecode", () => {
  test("29.97 drop-frame leaves out labels 00 and 01 of each minute but each tenth", () => {
    expect(timecode(1799, NTSC, true)).toBe("00:00:59;29");
    expect(timecode(1800, NTSC, true)).toBe("00:01:00;02");
    expect(timecode(17_981, NTSC, true)).toBe("00:09:59;29");
    expect(timecode(17_982, NTSC, true)).toBe("00:10:00;00");
  });
  test("an hour of 29.97 drop-frame has 107,892 labels", () => {
    expect(timecode(107_892, NTSC, true)).toBe("01:00:00;00");
    expect(timecode(107_891, NTSC, true)).toBe("00:59:59;29");
  });
  test("59.94 leaves out four", () => {
    expect(timecode(3600, FAST, true)).toBe("00:01:00;04");
    expect(timecode(215_784, FAST, true)).toBe("01:00:00;00");
  });
  test("23.976 drops nothing, even when it is asked to", () => {
    expect(timecode(24 * 60, FILM, true)).toBe("00:01:00:00");
  });
  test("after a day it begins again", () => {
    expect(timecode(24 * 86_400, { num: 24, den: 1 })).toBe("00:00:00:00");
    expect(timecode(-1, { num: 24, den: 1 })).toBe("23:59:59:23");
    expect(timecode(2_589_408, NTSC, true)).toBe("00:00:00;00");
  });
  test("each label of a day of drop-frame is read back as its frame", () => {
    for (let frame = 0; frame < 2_589_408; frame += 997) {
      expect(parseTimecode(timecode(frame, NTSC, true), NTSC, true)).toBe(frame);
    }
  });
  test("a label that is dropped, or none, is no frame", () => {
    expect(parseTimecode("00:01:00;01", NTSC, true)).toBeUndefined();
    expect(parseTimecode("00:10:00;01", NTSC, true)).toBe(17_983);
    expect(parseTimecode("00:61:00:00", FILM)).toBeUndefined();
    expect(parseTimecode("abc", FILM)).toBeUndefined();
    expect(parseTimecode("00:00:00:24", FILM)).toBeUndefined();
  });
  test("short labels count from the right", () => {
    expect(parseTimecode("2:3", { num: 25, den: 1 })).toBe(53);
    expect(parseTimecode("1:02:03", { num: 25, den: 1 })).toBe(62 * 25 + 3);
  });
});

describe("what a video's frames are called", () => {
  const labels: Labels = { rate: NTSC, start: 107_892, dropFrame: true, offset: 1001 };
  test("the first frame has the start timecode", () => {
    expect(labelOf(labels, 0)).toBe("01:00:00;00");
    expect(labelOf(labels, 1800)).toBe("01:01:00;02");
  });
  test("frames of uneven length are labelled by their time", () => {
    const uneven: Labels = { rate: { num: 25, den: 1 }, start: 0, dropFrame: false, offset: 0, seconds: (frame) => [0, 0.04, 1][frame] ?? 0 };
    expect(labelOf(uneven, 2)).toBe("00:00:01:00");
  });
  test("a timecode that is typed means the frame of uneven length that has it", () => {
    const starts = [0, 0.04, 1];
    const nearest = (time: number): number => starts.reduce((best, start, at) => (Math.abs(start - time) < Math.abs((starts[best] ?? 0) - time) ? at : best), 0);
    const uneven: Labels = { rate: { num: 25, den: 1 }, start: 100, dropFrame: false, offset: 0, seconds: (frame) => starts[frame] ?? 0, nearest };
    expect(frameMeant("00:00:05:00", uneven, 0)).toBe(2);
    expect(frameMeant("00:00:04:01", uneven, 0)).toBe(1);
    expect(frameMeant("00:00:04:12", uneven, 0)).toBeUndefined();
  });
  test("a person may type a number, a timecode or a step", () => {
    expect(frameMeant("1002", labels, 50)).toBe(1);
    expect(frameMeant("01:01:00;02", labels, 50)).toBe(1800);
    expect(frameMeant("+12", labels, 50)).toBe(62);
    expect(frameMeant("-1", labels, 50)).toBe(49);
    expect(frameMeant("", labels, 50)).toBeUndefined();
  });
});
