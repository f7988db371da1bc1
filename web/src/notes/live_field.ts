/** A text field on a text that others may be typing into as well. */
import type { RefObject, TargetedEvent } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Edit, Id } from "../document";
import { merged, moved } from "../session/live_text";
import type { Session } from "../session/session";

type Field = HTMLTextAreaElement;

interface LiveProps {
  onInput: (event: TargetedEvent<Field>) => void;
  onCompositionStart: () => void;
  onCompositionEnd: (event: TargetedEvent<Field>) => void;
}

interface Composing {
  before: string;
  landed: Edit[];
}

/** Keeps a field and the text of an annotation the same. */
export function useLiveText(session: Session, id: Id, field: RefObject<Field | null>): LiveProps {
  const composing = useRef<Composing | undefined>(undefined);
  const textNow = (): string => session.client.screen.get(id)?.annotation.text ?? "";
  const show = (selection?: readonly [number, number]): void => {
    const element = field.current;
    if (!element || composing.current || element.value === textNow()) return;
    const [start, end] = selection ?? [element.selectionStart, element.selectionEnd];
    element.value = textNow();
    if (document.activeElement === element) element.setSelectionRange(start, end);
    element.style.height = "0";
    element.style.height = `${element.scrollHeight}px`;
  };
  // With the field, not after it was painted: an edit that lands in between would be taken back by the next letter typed.
  useLayoutEffect(() => {
    const stopMoves = session.onTextMoved((other, edit) => {
      const element = field.current;
      if (other !== id || !element) return;
      if (composing.current) composing.current.landed.push(edit);
      else show(moved([element.selectionStart, element.selectionEnd], edit, element.value));
    });
    const stopChanges = session.onChanged((ids) => (!ids || ids.has(id) ? show() : undefined));
    show();
    return () => {
      stopMoves();
      stopChanges();
    };
  }, [session, id]);
  const take = (value: string): void => {
    if (!session.editText(id, value)) show();
  };
  return {
    onInput: (event) => {
      if (!composing.current) take(event.currentTarget.value);
    },
    onCompositionStart: () => {
      composing.current = { before: textNow(), landed: [] };
    },
    onCompositionEnd: (event) => {
      const held = composing.current;
      composing.current = undefined;
      if (!held) return;
      take(merged(held.before, event.currentTarget.value, held.landed));
      show();
    },
  };
}
