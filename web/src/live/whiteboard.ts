/** A whiteboard: a blank picture that is added to the project as an asset, drawn on as any other. */
import { send, whenAdded } from "../library/upload";

const SIZE = { width: 1920, height: 1080 };

/** Makes one; gives its asset. */
export async function makeWhiteboard(project: bigint, name: string): Promise<bigint> {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, SIZE);
  const context = canvas.getContext("2d");
  if (context) {
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, SIZE.width, SIZE.height);
  }
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (!blob) throw new Error("no picture");
  const [id] = send([new File([blob], `${name}.png`, { type: "image/png" })], project);
  return new Promise((added) => whenAdded(id ?? 0, added));
}
