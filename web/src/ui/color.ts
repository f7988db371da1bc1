/** Colours of people and of paint. */

/** 0xRRGGBB as CSS. */
export function css(color: number, opacity = 255): string {
  const [red, green, blue] = [(color >> 16) & 255, (color >> 8) & 255, color & 255];
  return opacity >= 255 ? `rgb(${red} ${green} ${blue})` : `rgb(${red} ${green} ${blue} / ${opacity / 255})`;
}

const NAMELESS = [0xd97b66, 0xd9a35a, 0xb8b35c, 0x7fb07a, 0x5fb0a8, 0x6b9fd0, 0x9a8bd6, 0xc87fb5] as const;

/** A colour for a person of whom nothing is known but the id: always the same. */
export function colorOfId(id: string): number {
  let sum = 7;
  for (let at = 0; at < id.length; at++) sum = (sum * 31 + id.charCodeAt(at)) >>> 0;
  return NAMELESS[sum % NAMELESS.length] ?? NAMELESS[0];
}

/** Whether dark text reads better than light on it (relative luminance of WCAG, middle at 0.18). */
export function isLight(color: number): boolean {
  const [red, green, blue] = [16, 8, 0].map((shift) => {
    const part = ((color >> shift) & 255) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18;
}
