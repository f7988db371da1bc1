/** The cues of WebVTT as the server writes it, and which of them show at a time. Pure. */

export interface Piece {
  text: string;
  italic: boolean;
  bold: boolean;
  underlined: boolean;
}

export interface Cue {
  /** Seconds. */
  from: number;
  to: number;
  pieces: readonly Piece[];
}

const TIMES = /^(\d+):(\d\d):(\d\d)\.(\d{3}) --> (\d+):(\d\d):(\d\d)\.(\d{3})/;
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">" };

function seconds(parts: readonly string[]): number {
  const [hours = 0, minutes = 0, whole = 0, thousandths = 0] = parts.map(Number);
  return hours * 3600 + minutes * 60 + whole + thousandths / 1000;
}

/** Words with their looks; what is no mark of ours is words. */
export function piecesOf(text: string): Piece[] {
  const look = { i: 0, b: 0, u: 0 };
  const pieces: Piece[] = [];
  for (const part of text.split(/(<\/?[ibu]>)/)) {
    const mark = /^<(\/?)([ibu])>$/.exec(part);
    if (mark) look[mark[2] as "i" | "b" | "u"] += mark[1] ? -1 : 1;
    else if (part) {
      const plain = part.replace(/&(amp|lt|gt);/g, (_, name: string) => ENTITIES[name] ?? "");
      pieces.push({ text: plain, italic: look.i > 0, bold: look.b > 0, underlined: look.u > 0 });
    }
  }
  return pieces;
}

/** The cues of a file, by time. */
export function cuesOf(text: string): Cue[] {
  const cues: Cue[] = [];
  for (const block of text.split(/\n\n+/)) {
    const [head = "", ...lines] = block.trim().split("\n");
    const times = TIMES.exec(head);
    if (times) cues.push({ from: seconds(times.slice(1, 5)), to: seconds(times.slice(5, 9)), pieces: piecesOf(lines.join("\n")) });
  }
  return cues;
}

/** Those that show at a time, which is that of a frame's beginning. */
export function showing(cues: readonly Cue[], atS: number): Cue[] {
  // A frame that begins within a thousandth of a cue shows it: files count in thousandths.
  return cues.filter((cue) => cue.from <= atS + 0.0005 && atS + 0.0005 < cue.to);
}
