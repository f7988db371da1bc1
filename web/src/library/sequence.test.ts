import { describe, expect, it } from "vitest";
import { archiveOf, isArchive, isSound, sequencesOf, tarHead } from "./sequence";

function picture(name: string, text = name): File {
  return new File([text], name, { lastModified: 7 });
}

describe("numbered pictures", () => {
  it("belong together when only their number differs, in the order of it", () => {
    const files = ["sh.1010.png", "sh.1009.png", "sh.1008.PNG", "b_1.jpg", "b_2.jpg", "logo.png", "take2.mov"].map((name) => picture(name));
    const { sequences, rest } = sequencesOf(files);
    expect(sequences.map(({ name, files: found }) => [name, found.map((file) => file.name)])).toEqual([
      ["sh.####.png", ["sh.1008.PNG", "sh.1009.png", "sh.1010.png"]],
    ]);
    expect(rest.map((file) => file.name)).toEqual(["b_1.jpg", "b_2.jpg", "logo.png", "take2.mov"]);
  });

  it("are one archive, in which each lies at a block with its size and a sum that holds", async () => {
    const archive = archiveOf({ name: "shöt_###.png", files: ["shöt_001.png", "shöt_002.png"].map((name) => picture(name, "x".repeat(600))) });
    expect([archive.name, archive.size, archive.lastModified]).toEqual(["shöt.tar", 2 * (512 + 1024) + 1024, 7]);
    const bytes = new Uint8Array(await archive.arrayBuffer());
    const text = (from: number, to: number): string => new TextDecoder().decode(bytes.slice(from, to));
    expect(text(0, 13)).toBe("frame.001.png");
    expect(text(512 + 1024, 512 + 1024 + 13)).toBe("frame.002.png");
    expect(parseInt(text(124, 135), 8)).toBe(600);
    expect(text(257, 262)).toBe("ustar");
    expect(text(512, 1112)).toBe("x".repeat(600));
  });

  it("have heads whose sum counts its own field as blanks", () => {
    const head = tarHead("a.1.png", 12345);
    const sum = head.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
    expect(parseInt(new TextDecoder().decode(head.slice(148, 154)), 8)).toBe(sum);
  });
});

it("tells sounds and archives by their names", () => {
  expect([isSound("mix.WAV", ""), isSound("x", "audio/mpeg"), isSound("x.mp4", "video/mp4")]).toEqual([true, true, false]);
  expect([isArchive("a.zip"), isArchive("a.tar"), isArchive("a.png")]).toEqual([true, true, false]);
});
