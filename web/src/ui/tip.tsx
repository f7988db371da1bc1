/** Tooltips: one layer for the page. Whatever has data-tip gets one on hover and on keyboard focus. */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

const DELAY_MS = 450;

interface Tip {
  text: string;
  keys: string;
  at: DOMRect;
}

function tipOf(target: EventTarget | null): Tip | undefined {
  const element = target instanceof Element ? target.closest<HTMLElement>("[data-tip]") : null;
  if (!element) return undefined;
  return { text: element.dataset["tip"] ?? "", keys: element.dataset["keys"] ?? "", at: element.getBoundingClientRect() };
}

/** The layer. */
export function Tips(): JSX.Element | null {
  const [tip, setTip] = useState<Tip>();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let timer = 0;
    const later = (event: Event): void => {
      clearTimeout(timer);
      const found = tipOf(event.target);
      if (!found) return setTip(undefined);
      timer = window.setTimeout(() => setTip(found), DELAY_MS);
    };
    const over = (event: PointerEvent): void => (event.pointerType === "mouse" ? later(event) : undefined);
    const focus = (event: FocusEvent): void =>
      event.target instanceof Element && event.target.matches(":focus-visible") ? later(event) : undefined;
    const away = (): void => {
      clearTimeout(timer);
      setTip(undefined);
    };
    document.addEventListener("pointerover", over);
    document.addEventListener("focusin", focus);
    for (const name of ["pointerdown", "keydown", "focusout", "wheel"]) document.addEventListener(name, away, true);
    return () => {
      away();
      document.removeEventListener("pointerover", over);
      document.removeEventListener("focusin", focus);
      for (const name of ["pointerdown", "keydown", "focusout", "wheel"]) document.removeEventListener(name, away, true);
    };
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !tip) return;
    const { width, height } = element.getBoundingClientRect();
    const left = tip.at.left + tip.at.width / 2 - width / 2;
    const above = tip.at.top - height - 6;
    element.style.left = `${Math.max(6, Math.min(innerWidth - width - 6, left))}px`;
    element.style.top = `${above > 6 ? above : tip.at.bottom + 6}px`;
  }, [tip]);
  if (!tip) return null;
  return (
    <div ref={box} class="tip" role="tooltip">
      <span>{tip.text}</span>
      {tip.keys && <kbd>{tip.keys}</kbd>}
    </div>
  );
}
