/** What of the notes is listed and in which order, and the views that a person keeps of it. */
import type { JSX } from "preact";
import { kept } from "../app/settings";
import { Audience } from "../document";
import { NameForm } from "../library/side";
import { t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import { Item, Menu } from "../ui/menu";
import { EVERYTHING, noteViewsOf, SHOWS, SORTS, type Filter, type Show } from "./board";
import { labelsOf } from "./label";
import { tagName } from "./labels";

function showName(show: Show): string {
  return t(`notes.show.${show}`);
}

function audienceName(audience: Audience): string {
  if (audience === Audience.UNSPECIFIED) return t("audience.both");
  return t(audience === Audience.CLIENT ? "audience.client" : "audience.internal");
}

/** What is left out, in words; empty: nothing is. */
export function filterName({ show, audience, tags }: Filter): string {
  const parts = [show === "all" ? "" : showName(show), audience === Audience.UNSPECIFIED ? "" : audienceName(audience), ...tags.map(tagName)];
  return parts.filter(Boolean).join(" · ");
}

interface FilterProps {
  room: Room;
  filter: Filter;
  /** Tags that notes have. */
  known: readonly string[];
  set: (filter: Filter) => void;
}

/** The menu of what is listed. */
export function FilterMenu({ room, filter, known, set }: FilterProps): JSX.Element {
  const narrow = filterName(filter);
  const tags = known.filter((tag) => labelsOf([tag]).people.length === 0);
  return (
    <Menu icon="filter" small label={t("notes.filter")} face={narrow ? <span class="clip notes-narrow">{narrow}</span> : undefined}>
      {(close) => {
        const item = (key: string, label: string, checked: boolean, next: Partial<Filter>): JSX.Element => (
          <Item
            key={key}
            checked={checked}
            onClick={() => {
              set({ ...filter, ...next });
              close();
            }}
          >
            {label}
          </Item>
        );
        return (
          <>
            {SHOWS.map((show) => item(show, showName(show), filter.show === show, { show }))}
            {room.session.seesInternal.value && <hr />}
            {room.session.seesInternal.value &&
              [Audience.UNSPECIFIED, Audience.INTERNAL, Audience.CLIENT].map((audience) =>
                item(`audience${audience}`, audienceName(audience), filter.audience === audience, { audience }),
              )}
            {tags.length > 0 && <hr />}
            {tags.map((tag) => {
              const on = filter.tags.includes(tag);
              return (
                <Item
                  key={tag}
                  several
                  icon="tag"
                  checked={on}
                  onClick={() => set({ ...filter, tags: on ? filter.tags.filter((each) => each !== tag) : [...filter.tags, tag] })}
                >
                  {tagName(tag)}
                </Item>
              );
            })}
          </>
        );
      }}
    </Menu>
  );
}

/** The menu of the order, and of the views kept. */
export function ViewMenu({ filter, set }: { filter: Filter; set: (filter: Filter) => void }): JSX.Element {
  const views = kept("noteviews", noteViewsOf);
  const list = views.value.value ?? [];
  const same = (other: Filter): boolean => JSON.stringify({ ...EVERYTHING, ...other }) === JSON.stringify({ ...EVERYTHING, ...filter });
  return (
    <Menu icon="sort" small label={t("notes.sortAndViews")}>
      {(close) => (
        <>
          {SORTS.map((sort) => (
            <Item
              key={sort}
              checked={filter.sort === sort}
              onClick={() => {
                set({ ...filter, sort });
                close();
              }}
            >
              {t(`notes.sort.${sort}`)}
            </Item>
          ))}
          <hr />
          {list.map((view) => (
            <div key={view.name} class="row">
              <Item
                icon="bookmark"
                checked={same(view.filter)}
                onClick={() => {
                  set(view.filter);
                  close();
                }}
              >
                {view.name}
              </Item>
              <Button
                small
                look="quiet"
                icon="close"
                label={t("library.removeView", { name: view.name })}
                onClick={() => views.change((now) => now.filter((each) => each.name !== view.name))}
              />
            </div>
          ))}
          <NameForm
            label={t("library.newView")}
            button={t("library.keepView")}
            take={(name) => {
              views.change((now) => [...now.filter((each) => each.name !== name), { name, filter }]);
              close();
            }}
          />
        </>
      )}
    </Menu>
  );
}
