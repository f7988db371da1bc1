/** Files that somebody drops or chooses: those that can be reviewed are sent, the others are named. */
import { t } from "../messages";
import { say } from "../ui/toast";
import { looksLikeMedia } from "./plan";
import { send } from "./upload";

/** Takes them for a project, as assets of their own in a folder or none, or as cuts of one. */
export function take(files: readonly File[], project: bigint, asset = 0n, folder = 0n): void {
  const good = files.filter((file) => looksLikeMedia(file.name, file.type) && file.size > 0);
  const bad = files.filter((file) => !good.includes(file));
  if (bad.length > 0) {
    const names = bad.map((file) => file.name).slice(0, 3);
    say({ title: t("upload.notMedia", { names: names.join(", ") }), detail: t("upload.notMediaDetail"), look: "bad" });
  }
  if (good.length > 0) send(good, project, asset, folder);
}
