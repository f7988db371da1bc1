/** Files dropped anywhere on the page. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** Whether files are being held over the page. */
export const dragging = signal(false);

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** Takes files that are dropped anywhere while the component is there; undefined: none are taken. */
export function useDrop(take: ((files: File[]) => void) | undefined): void {
  useEffect(() => {
    let depth = 0;
    const over = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = take ? "copy" : "none";
    };
    const enter = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      depth++;
      dragging.value = take !== undefined;
    };
    const leave = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) dragging.value = false;
    };
    const drop = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      dragging.value = false;
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length > 0) take?.(files);
    };
    document.addEventListener("dragenter", enter);
    document.addEventListener("dragover", over);
    document.addEventListener("dragleave", leave);
    document.addEventListener("drop", drop);
    return () => {
      dragging.value = false;
      document.removeEventListener("dragenter", enter);
      document.removeEventListener("dragover", over);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("drop", drop);
    };
  }, [take]);
}

/** Lets a person choose files. */
export function chooseFiles(accept: string, take: (files: File[]) => void): void {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.accept = accept;
  input.hidden = true;
  input.addEventListener("change", () => {
    take([...(input.files ?? [])]);
    input.remove();
  });
  input.addEventListener("cancel", () => input.remove());
  document.body.append(input);
  input.click();
}
