/** What sends what was written: Enter alone is a new line. */
import { isMac } from "../app/keys";

/** Whether Ctrl or Cmd+Enter was pressed. */
export function isSend(event: KeyboardEvent): boolean {
  return event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing;
}

/** Ctrl or Cmd+Enter as people read it. */
export function sendKeys(): string {
  return isMac() ? "⌘↵" : "Ctrl+↵";
}
