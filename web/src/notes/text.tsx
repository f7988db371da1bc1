/** A note's text with its few signs of Markdown, as elements: nothing that is typed becomes markup. */
import type { JSX } from "preact";
import { person } from "../app/people";
import { labelsOf } from "./label";
import { parse, type Block, type Inline } from "./markdown";

function inlines(list: readonly Inline[]): (JSX.Element | string)[] {
  return list.map((each, at) => {
    switch (each.kind) {
      case "text":
        return each.text;
      case "code":
        return <code key={at}>{each.text}</code>;
      case "strong":
        return <strong key={at}>{inlines(each.inside)}</strong>;
      case "emphasis":
        return <em key={at}>{inlines(each.inside)}</em>;
      case "mention":
        return (
          <span key={at} class="mention">
            {each.text}
          </span>
        );
      case "link": {
        const inside = each.to.startsWith("/");
        return (
          <a key={at} href={each.to} {...(inside ? {} : { target: "_blank", rel: "noopener noreferrer nofollow" })}>
            {inlines(each.inside)}
          </a>
        );
      }
    }
  });
}

function lines(list: readonly Inline[][]): (JSX.Element | string)[] {
  return list.flatMap((line, at) => (at === 0 ? inlines(line) : ["\n", ...inlines(line)]));
}

function block(each: Block, at: number): JSX.Element {
  if (each.kind === "list") {
    const items = each.items.map((item, index) => <li key={index}>{inlines(item)}</li>);
    return each.ordered ? <ol key={at}>{items}</ol> : <ul key={at}>{items}</ul>;
  }
  return each.kind === "quote" ? <blockquote key={at}>{lines(each.lines)}</blockquote> : <p key={at}>{lines(each.lines)}</p>;
}

/** The text. Who is mentioned in it is told by its tags. */
export function NoteText({ text, tags }: { text: string; tags: readonly string[] }): JSX.Element {
  const names = labelsOf(tags).people.map((id) => person(id).name);
  return (
    <div class="note-text" dir="auto">
      {parse(text, names).map(block)}
    </div>
  );
}
