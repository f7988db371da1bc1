/**
 * Where the picture is on the screen, and how places on it are written: integers in 1/32768 of the picture's height, from its
 * centre, y down. Pure.
 */

export const UNITS = 32_768;
const MOST = 1 << 20;

export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/**
 * How it is looked at: zoom 1 fits the picture into the stage; x and y are the place of the picture, in units, that is in the
 * middle of the stage. So a look means the same on every screen, and can stand in an address.
 */
export interface Look {
  readonly zoom: number;
  readonly x: number;
  readonly y: number;
}

export const FIT: Look = { zoom: 1, x: 0, y: 0 };
const ZOOM_LEAST = 0.5;
const ZOOM_MOST = 64;
/** Past so many screen pixels for one of the picture its pixels are shown as they are, with sharp edges. */
export const EXACT_PAST = 4;

function whole(value: number): number {
  return Math.max(-MOST, Math.min(MOST, Math.round(value)));
}

export class View {
  /** Pixels of the picture's height and width. */
  readonly width: number;
  readonly height: number;
  readonly centre: Point;
  /** Pixels of a unit. */
  readonly scale: number;

  constructor(
    readonly stage: Size,
    readonly picture: Size,
    readonly look: Look = FIT,
  ) {
    const fit = Math.min(stage.width / Math.max(1, picture.width), stage.height / Math.max(1, picture.height));
    this.width = picture.width * fit * look.zoom;
    this.height = picture.height * fit * look.zoom;
    this.scale = Math.max(1e-9, this.height / UNITS);
    this.centre = { x: stage.width / 2 - look.x * this.scale, y: stage.height / 2 - look.y * this.scale };
  }

  /** Half of the picture's size in units: its edges. */
  get half(): Point {
    const ratio = this.picture.width / Math.max(1, this.picture.height);
    return { x: (UNITS / 2) * ratio, y: UNITS / 2 };
  }

  /** A place on the stage as one on the picture. */
  toUnits(x: number, y: number): Point {
    return { x: whole((x - this.centre.x) / this.scale), y: whole((y - this.centre.y) / this.scale) };
  }

  /** A place on the picture as one on the stage. */
  toPixels(x: number, y: number): Point {
    return { x: this.centre.x + x * this.scale, y: this.centre.y + y * this.scale };
  }

  /** Screen pixels of one pixel of the picture; `density` is the screen pixels of one of the page. */
  magnification(density: number): number {
    return (this.height * density) / Math.max(1, this.picture.height);
  }

  /** The look after zooming by a factor, so that what is at the place of the stage stays there. */
  zoomed(factor: number, at: Point = { x: this.stage.width / 2, y: this.stage.height / 2 }): Look {
    const zoom = Math.max(ZOOM_LEAST, Math.min(ZOOM_MOST, this.look.zoom * factor));
    const scale = (this.scale * zoom) / this.look.zoom;
    const x = (at.x - this.centre.x) / this.scale - (at.x - this.stage.width / 2) / scale;
    const y = (at.y - this.centre.y) / this.scale - (at.y - this.stage.height / 2) / scale;
    return this.keptInSight({ zoom, x, y });
  }

  /** The look at which a pixel of the picture is one of the screen. */
  exact(density: number, at?: Point): Look {
    return this.zoomed(1 / this.magnification(density), at);
  }

  /** The look after a shift, in pixels. */
  panned(dx: number, dy: number): Look {
    return this.keptInSight({ zoom: this.look.zoom, x: this.look.x - dx / this.scale, y: this.look.y - dy / this.scale });
  }

  /** What of the picture, and around it, is on the stage. */
  get seen(): { left: number; top: number; right: number; bottom: number } {
    const [from, to] = [this.toUnits(0, 0), this.toUnits(this.stage.width, this.stage.height)];
    return { left: from.x, top: from.y, right: to.x, bottom: to.y };
  }

  /** The middle of the stage is always on the picture. */
  private keptInSight({ zoom, x, y }: Look): Look {
    const { half } = this;
    const between = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value));
    return { zoom, x: between(x, half.x), y: between(y, half.y) };
  }
}
