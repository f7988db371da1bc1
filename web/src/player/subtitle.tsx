/** Subtitles: which there are, the menu, and the words over the picture, exact to the frame that shows. */
import { computed, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { requestId, subtitles as service } from "../app/api";
import { explain } from "../app/error";
import { Permission } from "../document";
import type { Subtitle } from "../gen/rushes/media/v1/subtitle_service_pb";
import { t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { Item, Menu } from "../ui/menu";
import { say } from "../ui/toast";
import { cuesOf, showing, type Cue } from "./cue";
import "./subtitle.css";

const STEP_MS = 100;
const LAST = "rushes-subtitles";

/** The subtitles of one video, as one person looks at them. */
class Subtitles {
  readonly list = signal<readonly Subtitle[]>([]);
  readonly chosen = signal<bigint>(0n);
  /** Later (or earlier) than they are kept, for this person alone. */
  readonly shiftMs = signal(0);
  private readonly cues = signal<readonly Cue[]>([]);
  readonly now = computed(() => {
    const { player } = this.room;
    const cues = this.cues.value;
    return cues.length > 0 ? showing(cues, player.clock.start(player.frame.value) - this.shiftMs.value / 1000) : [];
  });

  constructor(private readonly room: Room) {}

  get current(): Subtitle | undefined {
    return this.list.value.find((each) => each.subtitleId === this.chosen.value);
  }

  async load(): Promise<void> {
    this.list.value = (await service.listSubtitles({ videoId: this.room.video.videoId })).subtitles;
    const language = localStorage.getItem(LAST);
    const wanted = this.current ?? this.list.value.find((each) => each.language === language);
    await this.show(wanted);
  }

  async show(wanted: Subtitle | undefined): Promise<void> {
    this.shiftMs.value = 0;
    const answer = wanted && (await fetch(wanted.path));
    this.cues.value = answer?.ok ? cuesOf(await answer.text()) : [];
    this.chosen.value = wanted?.subtitleId ?? 0n;
  }

  choose(wanted: Subtitle | undefined): void {
    if (wanted) localStorage.setItem(LAST, wanted.language);
    else localStorage.removeItem(LAST);
    void told(this.show(wanted));
  }

  /** Keeps the shift for everybody. */
  async keep(): Promise<void> {
    const subtitle = this.current;
    if (!subtitle) return;
    const moved = { subtitleId: subtitle.subtitleId, videoId: subtitle.videoId, offsetMs: subtitle.offsetMs + BigInt(this.shiftMs.value) };
    await service.updateSubtitle({ subtitle: moved, updateMask: { paths: ["offset_ms"] }, requestId: requestId() });
    await this.load();
  }

  /** Adds a file; its language is what its name says, such as "shot.de.srt". */
  async add(file: File): Promise<void> {
    const language = /\.([a-z]{2,3}(?:-[a-z0-9]{2,8})*)\.[a-z]+$/i.exec(file.name)?.[1] ?? (document.documentElement.lang || "en");
    const data = new Uint8Array(await file.arrayBuffer());
    const name = file.name.replace(/\.[a-z]+$/i, "");
    const { subtitle } = await service.createSubtitle({ videoId: this.room.video.videoId, language, name, data, requestId: requestId() });
    await this.load();
    this.choose(this.list.value.find((each) => each.subtitleId === subtitle?.subtitleId));
  }

  async remove(): Promise<void> {
    await service.deleteSubtitle({ videoId: this.room.video.videoId, subtitleId: this.chosen.value, requestId: requestId() });
    await this.show(undefined);
    await this.load();
  }
}

const known = new WeakMap<Room, Subtitles>();

function of(room: Room): Subtitles {
  let found = known.get(room);
  if (!found) known.set(room, (found = new Subtitles(room)));
  return found;
}

async function told(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    say({ title: t("subtitle.failed"), detail: explain(error), look: "bad" });
  }
}

function Shift({ subtitles, mayChange }: { subtitles: Subtitles; mayChange: boolean }): JSX.Element {
  const shift = subtitles.shiftMs.value;
  const moved = `${shift > 0 ? "+" : shift < 0 ? "−" : ""}${(Math.abs(shift) / 1000).toFixed(1)} s`;
  return (
    <div class="row subtitle-shift">
      <Button small look="quiet" icon="previous" label={t("subtitle.earlier")} onClick={() => (subtitles.shiftMs.value -= STEP_MS)} />
      <output class="mono grow" aria-label={t("subtitle.shift")}>
        {moved}
      </output>
      <Button small look="quiet" icon="next" label={t("subtitle.later")} onClick={() => (subtitles.shiftMs.value += STEP_MS)} />
      {mayChange && (
        <Button small look="quiet" label={t("subtitle.keep")} disabled={shift === 0} onClick={() => void told(subtitles.keep())}>
          {t("subtitle.keep")}
        </Button>
      )}
    </div>
  );
}

/** The menu; nothing where there are no subtitles and one may not add any. */
export function SubtitleMenu({ room }: { room: Room }): JSX.Element | null {
  const subtitles = of(room);
  const chooser = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // Without a network there are none; that is said elsewhere.
    subtitles.load().catch(() => undefined);
  }, [subtitles]);
  const mayChange = room.has(Permission.UPLOAD);
  if (subtitles.list.value.length === 0 && !mayChange) return null;
  const chosen = subtitles.chosen.value;
  const pick = (files: FileList | null): void => {
    const file = files?.[0];
    if (file) void told(subtitles.add(file));
  };
  return (
    <>
      <input ref={chooser} type="file" hidden accept=".srt,.vtt" data-testid="subtitle-file" onChange={(event) => pick(event.currentTarget.files)} />
      <Menu icon="captions" label={t("subtitle.menu")}>
        {(close) => (
          <>
            <Item checked={chosen === 0n} onClick={() => subtitles.choose(undefined)}>
              {t("subtitle.off")}
            </Item>
            {subtitles.list.value.map((each) => (
              <Item key={String(each.subtitleId)} checked={chosen === each.subtitleId} onClick={() => subtitles.choose(each)}>
                {`${each.name} (${each.language})`}
              </Item>
            ))}
            {chosen !== 0n && <Shift subtitles={subtitles} mayChange={mayChange} />}
            {mayChange && <hr />}
            {mayChange && (
              <Item
                icon="plus"
                onClick={() => {
                  close();
                  chooser.current?.click();
                }}
              >
                {t("subtitle.add")}
              </Item>
            )}
            {mayChange && chosen !== 0n && (
              <Item icon="trash" onClick={() => void told(subtitles.remove())}>
                {t("subtitle.remove")}
              </Item>
            )}
          </>
        )}
      </Menu>
    </>
  );
}

/** The words of the frame that shows, over the picture. */
export function SubtitleLines({ room }: { room: Room }): JSX.Element | null {
  const cues = of(room).now.value;
  if (cues.length === 0) return null;
  return (
    <div class="subtitle-lines" data-testid="subtitle">
      {cues.map((cue) => (
        <p key={cue.from}>
          {cue.pieces.map((piece, at) => (
            <span key={at} data-italic={piece.italic} data-bold={piece.bold} data-underlined={piece.underlined}>
              {piece.text}
            </span>
          ))}
        </p>
      ))}
    </div>
  );
}
