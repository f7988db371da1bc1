/** Tags of a note as people see them, and the menu that changes them. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Annotation } from "../document";
import { t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { changeTags } from "./fields";
import { CATEGORIES, categoryTag, choose, labelsOf, PRIORITIES, priorityTag, type Change } from "./label";

/** What a tag is called: those that mean something have a name in one's language. */
export function tagName(tag: string): string {
  const { priority, category } = labelsOf([tag]);
  if (priority) return t(`notes.priority.${priority}`);
  return category ? t(`notes.category.${category}`) : tag;
}

/** Priority and category, for the head of a note. */
export function Marks({ tags }: { tags: readonly string[] }): JSX.Element {
  const { priority, category } = labelsOf(tags);
  return (
    <>
      {priority && <span class={`note-priority ${priority}`}>{t(`notes.priority.${priority}`)}</span>}
      {category && <span class="note-category faint">{t(`notes.category.${category}`)}</span>}
    </>
  );
}

/** The plain tags. */
export function Tags({ tags, pick }: { tags: readonly string[]; pick: (tag: string) => void }): JSX.Element | null {
  const { plain } = labelsOf(tags);
  if (plain.length === 0) return null;
  return (
    <p class="note-tags">
      {plain.map((tag) => (
        <button key={tag} type="button" class="note-tag" data-tip={t("notes.onlyTag", { tag })} onClick={() => pick(tag)}>
          #{tag}
        </button>
      ))}
    </p>
  );
}

interface ChoicesProps {
  tags: readonly string[];
  /** Tags of all notes, to choose from. */
  known: readonly string[];
  change: (changes: readonly Change[]) => void;
}

/** What is in the menu of labels. */
export function LabelChoices({ tags, known, change }: ChoicesProps): JSX.Element {
  const [fresh, setFresh] = useState("");
  const plain = labelsOf([...new Set([...known, ...tags])].sort()).plain;
  const group = (all: readonly string[]): JSX.Element[] =>
    all.map((tag) => (
      <Item key={tag} checked={tags.includes(tag)} onClick={() => change(choose(tags, tag, all))}>
        {tagName(tag)}
      </Item>
    ));
  return (
    <>
      {group(PRIORITIES.map(priorityTag))}
      <hr />
      {group(CATEGORIES.map(categoryTag))}
      <hr />
      {plain.map((tag) => (
        <Item key={tag} several icon="tag" checked={tags.includes(tag)} onClick={() => change([{ tag, on: !tags.includes(tag) }])}>
          {tag}
        </Item>
      ))}
      <form
        class="row note-new-tag"
        onSubmit={(event) => {
          event.preventDefault();
          const typed = event.currentTarget.querySelector("input")?.value.trim().replace(/^#/, "") ?? "";
          if (typed) change([{ tag: typed, on: true }]);
          setFresh("");
        }}
      >
        <input
          class="input"
          maxLength={40}
          aria-label={t("notes.newTag")}
          placeholder={t("notes.newTag")}
          value={fresh}
          onInput={(event) => setFresh(event.currentTarget.value)}
        />
        <Button type="submit" small label={t("library.addTag")}>
          <Icon name="plus" size={14} />
        </Button>
      </form>
    </>
  );
}

/** The menu of a note's labels. */
export function LabelMenu({ room, annotation, known }: { room: Room; annotation: Annotation; known: readonly string[] }): JSX.Element {
  return (
    <Menu icon="tag" small label={t("notes.labels")} keys="T">
      {() => <LabelChoices tags={annotation.tags} known={known} change={(changes) => changeTags(room, annotation, changes)} />}
    </Menu>
  );
}
