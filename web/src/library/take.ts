/** Files that somebody drops or chooses: those that can be reviewed are sent, the others are named. */
import { t } from "../messages";
import { say } from "../ui/toast";
import { looksLikeMedia } from "./plan";
import { askRate } from "./rate";
import { isArchive, isSound, sequencesOf } from "./sequence";
import { send } from "./upload";

/** Takes them for a project, as assets of their own in a folder or none, or as cuts of one. */
export function take(files: readonly File[], project: bigint, asset = 0n, folder = 0n): void {
  const good = files.filter((file) => looksLikeMedia(file.name, file.type) && file.size > 0);
  const bad = files.filter((file) => !good.includes(file));
  if (bad.length > 0) {
    const names = bad.map((file) => file.name).slice(0, 3);
    say({ title: t("upload.notMedia", { names: names.join(", ") }), detail: t("upload.notMediaDetail"), look: "bad" });
  }
  const { sequences, rest } = sequencesOf(good);
  const others = rest.filter((file) => isSound(file.name, file.type) || isArchive(file.name));
  if (sequences.length + others.length > 0) askRate({ sequences, others, project, asset, folder });
  const own = rest.filter((file) => !others.includes(file));
  if (own.length > 0) send(own, project, asset, folder);
}
