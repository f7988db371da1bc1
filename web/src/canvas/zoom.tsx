/** How closely the picture is looked at. */
import type { JSX } from "preact";
import { keysOf } from "../app/keys";
import { t } from "../messages";
import type { Room } from "../review/room";
import { Item, Menu } from "../ui/menu";
import { densityNow } from "./painter";
import { FIT, View } from "./view";

const STEP = 1.25;
const PERCENTS = [50, 100, 200, 400, 800] as const;

function viewOf(room: Room): View {
  return new View(room.stage.value, room.picture, room.look.value);
}

function isFit(room: Room): boolean {
  const { zoom, x, y } = room.look.value;
  return zoom === FIT.zoom && x === FIT.x && y === FIT.y;
}

/** Screen pixels for 100 pixels of the picture. */
function percentOf(room: Room): number {
  return Math.round(viewOf(room).magnification(densityNow()) * 100);
}

function toPercent(room: Room, percent: number): void {
  const view = viewOf(room);
  room.look.value = view.zoomed(percent / 100 / view.magnification(densityNow()));
}

/** A pixel of the picture is one of the screen; again: the whole picture. */
export function toggleExact(room: Room): void {
  if (percentOf(room) === 100) room.look.value = FIT;
  else toPercent(room, 100);
}

/** The menu. */
export function ZoomMenu({ room }: { room: Room }): JSX.Element {
  const fit = isFit(room);
  const percent = percentOf(room);
  const face = <span class="mono zoom">{fit ? t("player.fitShort") : `${percent} %`}</span>;
  return (
    <Menu label={t("zoom.title")} keys={keysOf("view.fit")} face={face}>
      {(close) => {
        const choose = (run: () => void) => (): void => {
          run();
          close();
        };
        return (
          <>
            <Item checked={fit} onClick={choose(() => (room.look.value = FIT))}>
              {t("player.fit")}
            </Item>
            {PERCENTS.map((each) => (
              <Item key={each} checked={!fit && percent === each} onClick={choose(() => toPercent(room, each))}>
                {`${each} %`}
              </Item>
            ))}
            <hr />
            <Item onClick={() => (room.look.value = viewOf(room).zoomed(STEP))}>{t("zoom.in")}</Item>
            <Item onClick={() => (room.look.value = viewOf(room).zoomed(1 / STEP))}>{t("zoom.out")}</Item>
          </>
        );
      }}
    </Menu>
  );
}
