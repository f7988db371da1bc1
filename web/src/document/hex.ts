/** Ids as hexadecimal digits, so that they can be keys of maps; and strings in the order that Python sorts them. */

import { ID_BYTES } from "./limit";

const DIGITS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Bytes as lower-case digits. */
export function toHex(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) {
    hex += DIGITS[byte] as string;
  }
  return hex;
}

/** Digits as bytes; throws RangeError for what is none. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  if (!/^([0-9a-f]{2})*$/.test(hex)) {
    throw new RangeError("an id is of pairs of lower-case hexadecimal digits");
  }
  const bytes = new Uint8Array(hex.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}

/** A new annotation's or client's id. */
export function newId(randomBytes: (count: number) => Uint8Array): string {
  return toHex(randomBytes(ID_BYTES));
}

/** Compares strings by code points, which is not what `<` does beyond the basic plane. */
export function compareCodePoints(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) {
      // Halves of pairs stand for what lies beyond all single units.
      const leftHalf = left >= 0xd800 && left <= 0xdfff;
      const rightHalf = right >= 0xd800 && right <= 0xdfff;
      return leftHalf === rightHalf ? left - right : leftHalf ? 1 : -1;
    }
  }
  return a.length - b.length;
}
