/** What is attached to a note: a picture of the library, or a frame of another clip. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { projects } from "../app/api";
import { explain } from "../app/error";
import { parse } from "../app/router";
import type { Annotation, Attachment } from "../document";
import { useVideo } from "../library/video";
import { VideoState } from "../gen/rushes/media/v1/media_service_pb";
import { t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { chooseFiles } from "../ui/dropzone";
import { Icon } from "../ui/icon";
import { say } from "../ui/toast";
import { attach, detach } from "./fields";
import { safe } from "./markdown";

const TITLE_CHARACTERS = 60;

/** A new attachment's id. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => (byte % 36).toString(36)).join("");
}

/** The address as it is kept: one of this page without the page's name in front. */
export function addressOf(text: string, origin: string): string | undefined {
  const wanted = text.trim();
  if (wanted.startsWith(`${origin}/`)) return safe(wanted.slice(origin.length));
  return safe(wanted);
}

async function titleOf(link: string): Promise<string> {
  if (!link.startsWith("/")) return new URL(link).hostname;
  const place = parse(new URL(link, location.origin));
  if (place.name !== "review") return link;
  const { asset } = await projects.getAsset({ assetId: BigInt(place.asset) });
  const frame = place.frame === undefined ? "" : ` · ${place.frame}`;
  return `${asset?.name ?? ""}${frame}`;
}

async function attachLink(room: Room, annotation: Annotation, link: string): Promise<void> {
  try {
    const title = Array.from(await titleOf(link)).slice(0, TITLE_CHARACTERS).join("");
    attach(room, annotation, { id: newId(), target: { kind: "link", value: link }, title });
  } catch (error) {
    say({ title: t("notes.attachFailed"), detail: explain(error), look: "bad" });
  }
}

/** Asks for an address. */
export function LinkForm({ room, annotation, close }: { room: Room; annotation: Annotation; close: () => void }): JSX.Element {
  const [text, setText] = useState("");
  return (
    <form
      class="share column"
      onSubmit={(event) => {
        event.preventDefault();
        const link = addressOf(event.currentTarget.querySelector("input")?.value ?? "", location.origin);
        if (!link) return;
        close();
        void attachLink(room, annotation, link);
      }}
    >
      <label class="field">
        <span>{t("notes.linkHint")}</span>
        <input class="input" autofocus maxLength={1500} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <Button type="submit" look="primary" label={t("notes.attach")}>
        {t("notes.attach")}
      </Button>
    </form>
  );
}

/** Lets one choose pictures, which go to the library, and attaches each as soon as it has its place there. */
export function attachPictures(room: Room, annotation: Annotation): void {
  chooseFiles("image/*", (files) => {
    void import("../library/upload").then(({ send, whenAdded }) => {
      const ids = send(files, room.asset.projectId);
      ids.forEach((id, at) =>
        whenAdded(id, (asset) => {
          const title = Array.from(files[at]?.name ?? "").slice(0, TITLE_CHARACTERS).join("");
          attach(room, annotation, { id: newId(), target: { kind: "link", value: `/a/${asset}` }, title });
        }),
      );
    });
  });
}

/** Says of a note that only the team reads that its picture is for everybody, before one is chosen. */
export function PictureForm({ room, annotation, close }: { room: Room; annotation: Annotation; close: () => void }): JSX.Element {
  const choose = (): void => {
    close();
    attachPictures(room, annotation);
  };
  return (
    <div class="share column">
      <p>{t("notes.pictureForAll")}</p>
      <Button look="primary" label={t("notes.choosePicture")} onClick={choose}>
        {t("notes.choosePicture")}
      </Button>
    </div>
  );
}

/** The video of the asset that a link leads to; 0: none. */
function useVideoOf(link: string): bigint {
  const [video, setVideo] = useState(0n);
  useEffect(() => {
    let here = true;
    const place = link.startsWith("/") ? parse(new URL(link, location.origin)) : undefined;
    if (place?.name !== "review") return;
    projects
      .getAsset({ assetId: BigInt(place.asset) })
      .then(({ asset }) => {
        const cut = asset?.cuts.find(({ number }) => number === place.cut) ?? asset?.cuts[0];
        if (here) setVideo(cut?.videoId ?? 0n);
      })
      .catch(() => undefined);
    return () => {
      here = false;
    };
  }, [link]);
  return video;
}

function One({ attachment, remove }: { attachment: Attachment; remove: (() => void) | undefined }): JSX.Element | null {
  const link = attachment.target?.kind === "link" ? safe(attachment.target.value) : undefined;
  const id = useVideoOf(link ?? "");
  const video = useVideo(id);
  const picture = id !== 0n && video?.state === VideoState.READY;
  if (link === undefined) return null;
  const outside = !link.startsWith("/");
  return (
    <li class="attachment">
      <a href={link} {...(outside ? { target: "_blank", rel: "noopener noreferrer nofollow" } : {})} title={attachment.title}>
        {picture ? <img src={`/media/${id}/poster.jpg`} alt="" loading="lazy" /> : <Icon name={outside ? "share" : "film"} size={16} />}
        <span class="clip">{attachment.title || link}</span>
      </a>
      {remove && <Button small look="quiet" icon="close" label={t("notes.detach", { name: attachment.title })} onClick={remove} />}
    </li>
  );
}

/** The list; nothing where there is none. */
export function Attachments({ room, annotation }: { room: Room; annotation: Annotation }): JSX.Element | null {
  if (annotation.attachments.length === 0) return null;
  const able = room.mayChange(annotation);
  return (
    <ul class="attachments" aria-label={t("notes.attachments")}>
      {annotation.attachments.map((each) => (
        <One key={each.id} attachment={each} remove={able ? () => detach(room, annotation, each.id) : undefined} />
      ))}
    </ul>
  );
}
