/** A session as an entry of a calendar (RFC 5545). Pure. */

export interface Entry {
  /** Tells it from others for ever. */
  uid: string;
  title: string;
  link: string;
  startMs: number;
  minutes: number;
  nowMs: number;
}

const LINE_OCTETS = 75;

/** The file. */
export function calendarOf(entry: Entry): string {
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Rushes//Live session//EN",
    "METHOD:PUBLISH",
    "BEGIN:VEVENT",
    `UID:${entry.uid}`,
    `DTSTAMP:${utc(entry.nowMs)}`,
    `DTSTART:${utc(entry.startMs)}`,
    `DTEND:${utc(entry.startMs + entry.minutes * 60_000)}`,
    `SUMMARY:${escaped(entry.title)}`,
    `DESCRIPTION:${escaped(entry.link)}`,
    `LOCATION:${escaped(entry.link)}`,
    `URL:${entry.link}`,
    "END:VEVENT",
    "END:VCALENDAR",
  ];
  return lines.map(folded).join("\r\n") + "\r\n";
}

function utc(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
}

function escaped(text: string): string {
  return text.replace(/[\\;,]/g, (sign) => `\\${sign}`).replace(/\r?\n/g, "\\n");
}

/** No line has more than 75 octets, and no character is cut in two. */
function folded(line: string): string {
  const encoder = new TextEncoder();
  const parts: string[] = [];
  let part = "";
  let octets = 0;
  for (const char of line) {
    const size = encoder.encode(char).length;
    if (octets + size > LINE_OCTETS) {
      parts.push(part);
      part = " ";
      octets = 1;
    }
    part += char;
    octets += size;
  }
  return [...parts, part].join("\r\n");
}
