/** What can be done with all that is chosen at once. */
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Project } from "../gen/rushes/project/v1/project_service_pb";
import { Permission } from "../gen/rushes/type/v1/access_pb";
import { count, t } from "../messages";
import { Button } from "../ui/button";
import { Item, Menu } from "../ui/menu";
import { changeAssets, deleteAssets, purgeAssets, restoreAssets } from "./change";
import { chooseAll } from "./grid";
import { NONE, type Selection } from "./selection";
import { StatusFace } from "./status";
import { listing, may, shelvesOf } from "./store";
import { linesOf, treeOf } from "./tree";

interface BulkProps {
  project: Project;
  selection: Signal<Selection>;
  trash: boolean;
}

/** Tags of what is chosen: those that some have, and a field for a new one. */
function Tags({ project, ids }: { project: Project; ids: readonly bigint[] }): JSX.Element {
  const [fresh, setFresh] = useState("");
  const chosen = new Set(ids);
  const assets = (listing.value?.assets ?? []).filter((asset) => chosen.has(asset.assetId));
  const all = [...new Set([...shelvesOf(project.projectId).tags.map(({ tag }) => tag), ...assets.flatMap((asset) => asset.tags)])].sort();
  const change = (tag: string, on: boolean): void => void changeAssets(project.projectId, ids, on ? { addTags: [tag] } : { removeTags: [tag] });
  return (
    <>
      <form
        class="bulk-tag row"
        onSubmit={(event) => {
          event.preventDefault();
          const typed = event.currentTarget.querySelector("input")?.value.trim() ?? "";
          if (typed) change(typed, true);
          setFresh("");
        }}
      >
        <input
          class="input"
          autofocus
          maxLength={64}
          aria-label={t("library.newTag")}
          placeholder={t("library.newTag")}
          value={fresh}
          onInput={(event) => setFresh(event.currentTarget.value)}
        />
        <Button type="submit" small label={t("library.addTag")}>
          {t("library.addTag")}
        </Button>
      </form>
      {all.map((tag) => {
        const on = assets.length > 0 && assets.every((asset) => asset.tags.includes(tag));
        return (
          <Item key={tag} several checked={on} onClick={() => change(tag, !on)}>
            {tag}
          </Item>
        );
      })}
    </>
  );
}

function Places({ project, move }: { project: Project; move: (folder: bigint) => void }): JSX.Element {
  const lines = linesOf(treeOf(shelvesOf(project.projectId).folders));
  return (
    <>
      <Item icon="film" onClick={() => move(0n)}>
        {t("folder.none")}
      </Item>
      {lines.map(({ folder, depth }) => (
        <Item key={folder.folderId} icon="folder" onClick={() => move(folder.folderId)}>
          <span style={{ paddingInlineStart: `${depth * 14}px` }}>{folder.name}</span>
        </Item>
      ))}
    </>
  );
}

function Kept({ project, ids, done }: { project: Project; ids: readonly bigint[]; done: () => void }): JSX.Element {
  return (
    <>
      <Menu look="plain" label={t("library.status")} face={t("library.status")}>
        {(close) =>
          project.statuses.map((status) => (
            <Item
              key={status}
              onClick={() => {
                close();
                void changeAssets(project.projectId, ids, { status });
              }}
            >
              <StatusFace status={status} />
            </Item>
          ))
        }
      </Menu>
      <Menu icon="tag" look="plain" label={t("library.tags")} face={t("library.tags")}>
        {() => <Tags project={project} ids={ids} />}
      </Menu>
      <Menu icon="folder" look="plain" label={t("library.move")} face={t("library.move")}>
        {(close) => (
          <Places
            project={project}
            move={(folderId) => {
              close();
              void changeAssets(project.projectId, ids, { folderId });
            }}
          />
        )}
      </Menu>
      <Button
        icon="trash"
        label={t("library.delete")}
        onClick={() => {
          done();
          void deleteAssets(project.projectId, ids);
        }}
      >
        <span class="wide-only">{t("library.delete")}</span>
      </Button>
    </>
  );
}

function Trashed({ project, ids, done }: { project: Project; ids: readonly bigint[]; done: () => void }): JSX.Element {
  return (
    <>
      <Button
        icon="redo"
        label={t("library.restore")}
        onClick={() => {
          done();
          void restoreAssets(project.projectId, ids);
        }}
      >
        {t("library.restore")}
      </Button>
      {may(project.permissions, Permission.ADMINISTER) && (
        <Menu icon="trash" look="plain" label={t("library.purge")} face={t("library.purge")}>
          {(close) => (
            <Item
              icon="warn"
              onClick={() => {
                close();
                done();
                void purgeAssets(project.projectId, ids);
              }}
            >
              {count("library.purgeSure", ids.length)}
            </Item>
          )}
        </Menu>
      )}
    </>
  );
}

/** The bar; nothing while nothing is chosen. */
export function Bulk({ project, selection, trash }: BulkProps): JSX.Element | null {
  const ids = [...selection.value.ids];
  if (ids.length === 0) return null;
  const done = (): void => {
    selection.value = NONE;
  };
  const Actions = trash ? Trashed : Kept;
  return (
    <div class="bulk floating" role="toolbar" aria-label={t("library.chosen")}>
      <span class="bulk-count">{count("library.chosenCount", ids.length)}</span>
      {ids.length < (listing.value?.total ?? 0) && (
        <Button look="quiet" label={t("library.chooseAll")} onClick={() => void chooseAll(selection)}>
          {t("library.chooseAll")}
        </Button>
      )}
      <Actions project={project} ids={ids} done={done} />
      <Button look="quiet" icon="close" label={t("library.chooseNone")} keys="Esc" onClick={done} />
    </div>
  );
}
