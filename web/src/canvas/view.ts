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

/** How it is looked at: zoom 1 fits it into the stage; pan is the shift of its centre in pixels. */
export interface Look {
  zoom: number;
  panX: number;
  panY: number;
}

export const FIT: Look = { zoom: 1, panX: 0, panY: 0 };
const ZOOM_LEAST = 0.5;
const ZOOM_MOST = 32;

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
    this.centre = { x: stage.width / 2 + look.panX, y: stage.height / 2 + look.panY };
    this.scale = Math.max(1e-9, this.height / UNITS);
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

  /** The look after zooming by a factor, so that what is at the place stays there. */
  zoomed(factor: number, at: Point): Look {
    const zoom = Math.max(ZOOM_LEAST, Math.min(ZOOM_MOST, this.look.zoom * factor));
    const by = zoom / this.look.zoom;
    const panX = at.x - this.stage.width / 2 - (at.x - this.centre.x) * by;
    const panY = at.y - this.stage.height / 2 - (at.y - this.centre.y) * by;
    return keptInSight({ zoom, panX, panY }, this.stage);
  }

  /** The look after a shift. */
  panned(dx: number, dy: number): Look {
    return keptInSight({ zoom: this.look.zoom, panX: this.look.panX + dx, panY: this.look.panY + dy }, this.stage);
  }
}

function keptInSight(look: Look, stage: Size): Look {
  const most = { x: (stage.width * Math.max(1, look.zoom)) / 2, y: (stage.height * Math.max(1, look.zoom)) / 2 };
  const between = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value));
  return { zoom: look.zoom, panX: between(look.panX, most.x), panY: between(look.panY, most.y) };
}
