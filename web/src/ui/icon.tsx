/** Icons, drawn here so that nothing is fetched: 20 x 20, lines of 1.5. */
import type { JSX } from "preact";

const PATHS = {
  play: "M6.5 4.2v11.6l9-5.8z|fill",
  pause: "M6.5 4.5v11M13.5 4.5v11|wide",
  first: "M5 4.5v11M15 5l-7 5 7 5z",
  last: "M15 4.5v11M5 5l7 5-7 5z",
  previous: "M12.5 5l-6 5 6 5",
  next: "M7.5 5l6 5-6 5",
  loop: "M4 8.5a4 4 0 0 1 4-4h7m0 0-2.5-2.5M15 4.5 12.5 7M16 11.5a4 4 0 0 1-4 4H5m0 0 2.5 2.5M5 15.5 7.5 13",
  pingPong: "M4 6.5h11m0 0-2.5-2.5M15 6.5 12.5 9M16 13.5H5m0 0 2.5-2.5M5 13.5 7.5 16",
  look: "M10 3.5a6.5 6.5 0 1 0 0 13zM10 3.5a6.5 6.5 0 0 1 0 13M10 7h5.5M10 10h6.5M10 13h5.5",
  volume: "M3.5 8v4h3l4 3.5v-11L6.5 8zM13.5 7.5a3.5 3.5 0 0 1 0 5M15.5 5.5a6.5 6.5 0 0 1 0 9",
  muted: "M3.5 8v4h3l4 3.5v-11L6.5 8zM13.5 8l4 4M17.5 8l-4 4",
  fit: "M3.5 7V3.5H7M13 3.5h3.5V7M16.5 13v3.5H13M7 16.5H3.5V13",
  full: "M8 12l-4.5 4.5M3.5 12.5v4h4M12 8l4.5-4.5M12.5 3.5h4v4",
  pen: "M4 16l.8-3.6L13.5 3.7a1.4 1.4 0 0 1 2 0l.8.8a1.4 1.4 0 0 1 0 2L7.6 15.2z",
  eraser: "M8 16.5h8.5M5 12.5l6.8-7.8a1.2 1.2 0 0 1 1.7 0l2.6 2.5a1.2 1.2 0 0 1 0 1.7L9.5 16.5h-2L5 14.2a1.2 1.2 0 0 1 0-1.7zM8.5 8.7l4.6 4.4",
  line: "M4.5 15.5l11-11",
  arrow: "M4.5 15.5l11-11M9 4.5h6.5V11",
  rect: "M3.5 5h13v10h-13z",
  ellipse: "M10 4.5c3.9 0 7 2.5 7 5.5s-3.1 5.5-7 5.5-7-2.5-7-5.5 3.1-5.5 7-5.5z",
  text: "M4.5 6V4.5h11V6M10 4.5v11M8 15.5h4",
  laser: "M10 8.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6zM10 2.5V5M10 15v2.5M2.5 10H5M15 10h2.5M4.7 4.7l1.7 1.7M13.6 13.6l1.7 1.7M15.3 4.7l-1.7 1.7M6.4 13.6l-1.7 1.7",
  select: "M5 3l10 7-4.6.9L8 15.5z",
  compare: "M10 3v14M8 5.5H3.5v9H8M12 5.5h4.5v9H12",
  swap: "M4 7h11m0 0-2.5-2.5M15 7l-2.5 2.5M16 13H5m0 0 2.5-2.5M5 13l2.5 2.5",
  history: "M4 10a6 6 0 1 1 1.8 4.3M4 15v-3.5h3.5M10 6.8V10l2.4 1.6",
  undo: "M4 8h8a4 4 0 0 1 0 8H8M4 8l3.5-3.5M4 8l3.5 3.5",
  redo: "M16 8H8a4 4 0 0 0 0 8h4M16 8l-3.5-3.5M16 8l-3.5 3.5",
  trash: "M4 5.5h12M8 5.5V4h4v1.5M5.5 5.5l.7 10.5h7.6l.7-10.5M8.5 8.5v4.5M11.5 8.5v4.5",
  note: "M3.5 4.5h13v9H9l-3.5 3v-3h-2z",
  reply: "M8 5L3.5 9 8 13M3.5 9h7a6 6 0 0 1 6 6",
  check: "M4 10.5l4 4 8-9",
  search: "M9 3.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM13 13l4 4",
  filter: "M3.5 5h13M6 10h8M8.5 15h3",
  close: "M5 5l10 10M15 5L5 15",
  layout: "M3.5 4.5h13v7h-13zM3.5 14v2M8 14v2M12 14v2M16.5 14v2",
  more: "M5 10h.01M10 10h.01M15 10h.01|dots",
  plus: "M10 4v12M4 10h12",
  upload: "M10 13V4M6.5 7.5L10 4l3.5 3.5M4 13v3h12v-3",
  resume: "M6.5 4.2v11.6l9-5.8z",
  share: "M8.5 11.5a3 3 0 0 0 4.3.1l2.8-2.8a3 3 0 0 0-4.3-4.3l-1 1M11.5 8.5a3 3 0 0 0-4.3-.1l-2.8 2.8a3 3 0 0 0 4.3 4.3l1-1",
  down: "M5.5 8l4.5 4.5L14.5 8",
  back: "M12 4.5L6.5 10l5.5 5.5",
  lock: "M5 9h10v7H5zM7 9V6.8a3 3 0 0 1 6 0V9",
  eye: "M2.5 10S5 5 10 5s7.5 5 7.5 5-2.5 5-7.5 5-7.5-5-7.5-5zM10 8a2 2 0 1 1 0 4 2 2 0 0 1 0-4z",
  film: "M3.5 4.5h13v11h-13zM6.5 4.5v11M13.5 4.5v11M3.5 8.2h3M3.5 11.8h3M13.5 8.2h3M13.5 11.8h3",
  person: "M10 4a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM4 16.5c.5-3 3-4.5 6-4.5s5.5 1.5 6 4.5",
  help: "M7.5 7.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M10 14.5h.01",
  panel: "M3.5 4.5h13v11h-13zM12 4.5v11",
  warn: "M10 3.5l7 12.5H3zM10 8v4M10 14h.01",
  offline: "M3 7.5a10 10 0 0 1 14 0M5.5 10.5a6.5 6.5 0 0 1 9 0M8 13.3a3 3 0 0 1 4 0M4 3l12 14",
  inPoint: "M8 4.5H5.5v11H8M9.5 10H15",
  outPoint: "M12 4.5h2.5v11H12M10.5 10H5",
  ghost: "M5 16.5V9a5 5 0 0 1 10 0v7.5l-2-1.6-1.5 1.6-1.5-1.6-1.5 1.6L7 14.9zM8.3 9h.01M11.7 9h.01",
  hold: "M4 5v10M7 10h9M13 7l3 3-3 3M7 5v10",
  range: "M6.5 4.5H4v11h2.5M13.5 4.5H16v11h-2.5M8 10h4",
  alignStart: "M4 5h12M4 10h7M4 15h10",
  alignCenter: "M4 5h12M6.5 10h7M5 15h10",
  alignEnd: "M4 5h12M9 10h7M6 15h10",
  microphone: "M10 3a2.2 2.2 0 0 1 2.2 2.2v4a2.2 2.2 0 0 1-4.4 0v-4A2.2 2.2 0 0 1 10 3zM5 9.5a5 5 0 0 0 10 0M10 14.5V17",
  microphoneOff: "M7.8 8.5v.7a2.2 2.2 0 0 0 3.6 1.7M12.2 8V5.2a2.2 2.2 0 0 0-4.2-.9M5 9.5a5 5 0 0 0 8 4M15 9.5a5 5 0 0 1-.3 1.8M10 14.5V17M4 3.5l12 13",
  camera: "M3 6h9v8H3zM12 9l5-2.5v7L12 11",
  cameraOff: "M5.5 6H12v6M3 6.5V14h8.5M12 9l5-2.5v7M3.5 3.5l13 13",
  screen: "M3 4.5h14v9H3zM7.5 16.5h5M10 7v4M8 9l2-2 2 2",
  hand: "M6 11V6.2a1.1 1.1 0 0 1 2.2 0V10M8.2 9.5V4.6a1.1 1.1 0 0 1 2.2 0v4.9M10.4 9.5V5.4a1.1 1.1 0 0 1 2.2 0v5M12.6 10V7.4a1.1 1.1 0 0 1 2.2 0v4.4c0 3-1.9 5-4.6 5-2.6 0-3.8-1.2-5.6-4.6-.5-1 .8-1.8 1.6-1z",
  smile: "M10 3.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM7 11.5c.6 1.2 1.7 1.8 3 1.8s2.4-.6 3-1.8M7.8 8h.01M12.2 8h.01",
  captions: "M3.5 5h13v10h-13zM8.5 8.7a1.6 1.6 0 1 0 0 2.6M13.5 8.7a1.6 1.6 0 1 0 0 2.6",
  folder: "M3 5.5h5l1.5 2H17v8.5H3z",
  tag: "M3.5 3.5h6l7 7-6 6-7-7zM7 7h.01",
  sort: "M6 4.5v11M6 15.5 3.5 13M6 15.5 8.5 13M11 5.5h6M11 10h4.5M11 14.5h3",
  bookmark: "M5.5 3.5h9v13L10 13l-4.5 3.5z",
  copy: "M7 7h9v9H7zM4 13V4h9",
  record: "M10 5.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9z|fill",
  download: "M10 4v9M6.5 9.5L10 13l3.5-3.5M4 13v3h12v-3",
} as const;

export type IconName = keyof typeof PATHS;

/** One icon, hidden from readers: what holds it has the name. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }): JSX.Element {
  const [path, look] = (PATHS[name] as string).split("|") as [string, string | undefined];
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill={look === "fill" ? "currentColor" : "none"}
      stroke="currentColor"
      stroke-width={look === "wide" ? 2.4 : look === "dots" ? 2.6 : 1.5}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={path} />
    </svg>
  );
}
