/** Numbered pictures among files: which belong together, and one archive of them, which holds no copy of any. Pure. */

export interface Pictures {
  /** Such as "sh010.####.png". */
  name: string;
  files: File[];
}

const NUMBERED = /^(.*?)(\d+)(\D*)\.(png|jpe?g|webp|tiff?|bmp)$/i;
const LEAST = 3;
const BLOCK = 512;

/** Groups of pictures that differ in their number alone, and what is left. Two pictures are no sequence. */
export function sequencesOf(files: readonly File[]): { sequences: Pictures[]; rest: File[] } {
  const groups = new Map<string, { name: string; files: Map<number, File> }>();
  for (const file of files) {
    const [, stem, digits, tail, ending] = NUMBERED.exec(file.name) ?? [];
    if (stem === undefined || digits === undefined) continue;
    const key = `${stem}#${tail}.${ending?.toLowerCase()}`;
    const group = groups.get(key) ?? { name: `${stem}${"#".repeat(digits.length)}${tail}.${ending}`, files: new Map() };
    groups.set(key, group);
    if (!group.files.has(Number(digits))) group.files.set(Number(digits), file);
  }
  const sequences = [...groups.values()]
    .filter((group) => group.files.size >= LEAST)
    .map(({ name, files: found }) => ({ name, files: [...found.entries()].sort(([a], [b]) => a - b).map(([, file]) => file) }));
  const taken = new Set(sequences.flatMap((group) => group.files));
  return { sequences, rest: files.filter((file) => !taken.has(file)) };
}

function octal(value: number, length: number): string {
  return value.toString(8).padStart(length - 1, "0") + "\0";
}

/** The head of a file in an archive (ustar); of sizes from 8 GB on the archive would not be one. */
export function tarHead(name: string, size: number): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(BLOCK);
  const put = (text: string, at: number): void => head.set(new TextEncoder().encode(text), at);
  put(name, 0);
  put("0000644\0" + octal(0, 8) + octal(0, 8) + octal(size, 12) + octal(0, 12) + " ".repeat(8) + "0", 100);
  put("ustar\0" + "00", 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  put(sum.toString(8).padStart(6, "0") + "\0 ", 148);
  return head;
}

/** One file of many: the pictures lie in it by their numbers alone, so that any name fits. */
export function archiveOf({ name, files }: Pictures): File {
  const parts: BlobPart[] = [];
  for (const file of files) {
    const [, , digits = "0", , ending = "png"] = NUMBERED.exec(file.name) ?? [];
    parts.push(tarHead(`frame.${digits}.${ending.toLowerCase()}`, file.size), file);
    const over = file.size % BLOCK;
    if (over > 0) parts.push(new Uint8Array(BLOCK - over));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  const stem = name.replace(/[.\-_ ]*#+.*$/, "") || name.replace(/#/g, "");
  const lastModified = files[0]?.lastModified ?? 0;
  return new File(parts, `${stem}.tar`, { type: "application/x-tar", lastModified });
}

const SOUND = /\.(wav|aiff?|flac|mp3|m4a|aac|ogg|oga|opus)$/i;

/** Whether a file is sound alone, by its name. */
export function isSound(name: string, type: string): boolean {
  return type.startsWith("audio/") || SOUND.test(name);
}

/** Whether a file is an archive, by its name. */
export function isArchive(name: string): boolean {
  return /\.(zip|tar)$/i.test(name);
}
