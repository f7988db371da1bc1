/** Gives the browser a file to keep. */
export function download(path: string, name: string): void {
  const link = document.createElement("a");
  link.href = path;
  link.download = name;
  link.click();
}

/** Where a video's file is as it was uploaded, for whoever may download. */
export function originalPath(videoId: bigint): string {
  return `/media/${videoId}/original`;
}
