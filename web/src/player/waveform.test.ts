import { describe, expect, test } from "vitest";
import { fineOffset, HEAD_BYTES, pieceBytes, PIECE_PAIRS, readHead, waveformOf } from "./waveform";

/** A file as svc_media writes it, of fine pairs. */
function file(fine: number[], factor = 100): ArrayBuffer {
  const coarse: number[] = [];
  for (let at = 0; at < fine.length; at += factor * 2) {
    const part = fine.slice(at, at + factor * 2);
    coarse.push(Math.min(...part.filter((_, place) => place % 2 === 0)), Math.max(...part.filter((_, place) => place % 2 === 1)));
  }
  const bytes = new Uint8Array(HEAD_BYTES + coarse.length + fine.length);
  bytes.set(new TextEncoder().encode("RWV1"));
  const view = new DataView(bytes.buffer);
  [100, fine.length / 2, factor, coarse.length / 2].forEach((value, at) => view.setUint32(4 + at * 4, value, true));
  bytes.set(coarse, HEAD_BYTES);
  bytes.set(fine, HEAD_BYTES + coarse.length);
  return bytes.buffer;
}

/** Silence but for one loud pair. */
function loudAt(count: number, loud: number): number[] {
  return Array.from({ length: count * 2 }, (_, at) => (at === loud * 2 ? 0 : at === loud * 2 + 1 ? 255 : 128));
}

describe("the waveform", () => {
  test("shows what is loud where it is, from afar and from near", () => {
    const waveform = waveformOf(file(loudAt(500, 230)))!;
    expect(waveform.head).toEqual({ rate: 100, fine: 500, factor: 100, coarse: 5 });
    expect([0, 1, 2, 3, 4].map((second) => waveform.peak(second, second + 1)[1] > 0)).toEqual([false, false, true, false, false]);
    expect(waveform.peak(2.3, 2.31)).toEqual([-1, 127 / 128]);
    expect(waveform.peak(2.31, 2.32)).toEqual([0, 0]);
    expect(waveform.peak(9, 10)).toEqual([0, 0]);
  });
  test("of hours only the coarse level is needed, and what is missing of the fine one is named", () => {
    const whole = file(loudAt(PIECE_PAIRS * 2 + 10, PIECE_PAIRS + 5));
    const head = readHead(whole)!;
    const waveform = waveformOf(whole.slice(0, fineOffset(head)))!;
    const place = (PIECE_PAIRS + 5) / 100;
    expect(waveform.missing(0, 1e6)).toEqual([0, 1, 2]);
    expect(waveform.missing(place, place + 1)).toEqual([1]);
    expect(waveform.peak(place, place + 0.01)[1]).toBeGreaterThan(0.9);
    expect(waveform.peak(place + 0.02, place + 0.03)[1]).toBeGreaterThan(0.9);
    const [from, to] = pieceBytes(head, 1);
    waveform.put(1, new Uint8Array(whole.slice(from, to)));
    expect(waveform.missing(place, place + 1)).toEqual([]);
    expect(waveform.peak(place + 0.02, place + 0.03)).toEqual([0, 0]);
    expect(pieceBytes(head, 2)[1]).toBe(whole.byteLength);
  });
  test("what is no such file is none, however it is cut", () => {
    const whole = file(loudAt(300, 3));
    for (let length = 0; length < HEAD_BYTES + 6; length++) expect(waveformOf(whole.slice(0, length))).toBeUndefined();
    const other = new Uint8Array(whole.slice(0));
    other[0] = 0;
    expect(waveformOf(other.buffer)).toBeUndefined();
    const lying = new DataView(whole.slice(0));
    lying.setUint32(16, 4_000_000_000, true);
    expect(readHead(lying.buffer)).toBeUndefined();
  });
});
