/** The side of the library: projects, and the folders of the one that is shown. Clips are dropped on folders. */
import { useSignal } from "@preact/signals";
import type { JSX, TargetedDragEvent } from "preact";
import { useState } from "preact/hooks";
import { me } from "../app/auth";
import { explain } from "../app/error";
import { navigate } from "../app/router";
import type { Folder, Project } from "../gen/rushes/project/v1/project_service_pb";
import { Permission } from "../gen/rushes/type/v1/access_pb";
import { t } from "../messages";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { say } from "../ui/toast";
import { changeAssets, changeFolder, makeFolder, removeFolder } from "./change";
import { pathOf, type Look } from "./look";
import type { Selection } from "./selection";
import { createProject, may, shelvesOf } from "./store";
import { linesOf, treeOf, within, type Branch } from "./tree";

interface NameFormProps {
  label: string;
  button: string;
  value?: string;
  take: (name: string) => void;
}

/** A small form that asks for a name. */
export function NameForm({ label, button, value = "", take }: NameFormProps): JSX.Element {
  const [name, setName] = useState(value);
  return (
    <form
      class="share column"
      onSubmit={(event) => {
        event.preventDefault();
        // From the field itself: Enter may come before what was typed is rendered.
        const typed = event.currentTarget.querySelector("input")?.value.trim() ?? "";
        if (typed) take(typed);
      }}
    >
      <label class="field">
        <span>{label}</span>
        <input class="input" autofocus maxLength={256} value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <Button type="submit" look="primary" label={button}>
        {button}
      </Button>
    </form>
  );
}

async function makeProject(name: string): Promise<void> {
  try {
    const project = await createProject(name);
    if (project) navigate(`/?project=${project.projectId}`);
  } catch (error) {
    say({ title: t("project.makeFailed"), detail: explain(error), look: "bad" });
  }
}

/** Asks for the name of a new project, and makes it. */
export function NewProject({ close }: { close: () => void }): JSX.Element {
  return (
    <NameForm
      label={t("project.name")}
      button={t("project.make")}
      take={(name) => {
        close();
        void makeProject(name);
      }}
    />
  );
}

function FolderMenu({ folder, folders }: { folder: Folder; folders: readonly Folder[] }): JSX.Element {
  const asking = useSignal<"" | "name" | "new" | "move">("");
  const outside = within(folders, folder.folderId);
  return (
    <Menu icon="more" small label={t("folder.menu", { name: folder.name })}>
      {(close) => {
        const shut = (): void => {
          asking.value = "";
          close();
        };
        if (asking.value === "name" || asking.value === "new") {
          const fresh = asking.value === "new";
          return (
            <NameForm
              label={t("folder.name")}
              button={fresh ? t("folder.make") : t("library.rename")}
              value={fresh ? "" : folder.name}
              take={(name) => {
                shut();
                void (fresh ? makeFolder(folder.projectId, folder.folderId, name) : changeFolder(folder, { name }));
              }}
            />
          );
        }
        if (asking.value === "move") {
          const move = (parentId: bigint): void => {
            shut();
            void changeFolder(folder, { parentId });
          };
          return (
            <>
              <Item icon="film" onClick={() => move(0n)}>
                {t("folder.none")}
              </Item>
              {linesOf(treeOf(folders))
                .filter((branch) => !outside.has(branch.folder.folderId))
                .map((branch) => (
                  <Item key={branch.folder.folderId} icon="folder" onClick={() => move(branch.folder.folderId)}>
                    {branch.folder.name}
                  </Item>
                ))}
            </>
          );
        }
        return (
          <>
            <Item icon="pen" onClick={() => (asking.value = "name")}>
              {t("library.rename")}
            </Item>
            <Item icon="plus" onClick={() => (asking.value = "new")}>
              {t("folder.newInside")}
            </Item>
            <Item icon="folder" onClick={() => (asking.value = "move")}>
              {t("library.move")}
            </Item>
            <Item
              icon="trash"
              onClick={() => {
                shut();
                void removeFolder(folder);
              }}
            >
              {t("folder.remove")}
            </Item>
          </>
        );
      }}
    </Menu>
  );
}

/** Takes clips that are dropped on a folder: all that is chosen, when what is dragged is of it. */
function dropping(project: Project, folderId: bigint, selection: () => Selection): Record<string, (event: TargetedDragEvent<HTMLElement>) => void> {
  const kind = "application/x-rushes-asset";
  return {
    onDragOver: (event) => {
      if (!event.dataTransfer?.types.includes(kind)) return;
      event.preventDefault();
      event.currentTarget.dataset["over"] = "true";
    },
    onDragLeave: (event) => {
      delete event.currentTarget.dataset["over"];
    },
    onDrop: (event) => {
      delete event.currentTarget.dataset["over"];
      const text = event.dataTransfer?.getData(kind) ?? "";
      if (!/^\d+$/.test(text)) return;
      event.preventDefault();
      const [id, { ids }] = [BigInt(text), selection()];
      void changeAssets(project.projectId, ids.has(id) ? [...ids] : [id], { folderId });
    },
  };
}

interface SideProps {
  list: readonly Project[];
  project: Project | undefined;
  look: Look;
  selection: () => Selection;
}

function FolderLine({ branch, project, look, selection }: SideProps & { branch: Branch<Folder>; project: Project }): JSX.Element {
  const { folder, depth, total } = branch;
  const id = String(folder.folderId);
  const here = look.folder === id && !look.trash;
  const { folders } = shelvesOf(project.projectId);
  return (
    <li class="folder-line" style={{ paddingInlineStart: `${10 + depth * 14}px` }} {...dropping(project, folder.folderId, selection)}>
      <a href={pathOf({ ...look, project: String(project.projectId), folder: id, trash: false, query: "", tags: [], statuses: [] })} aria-current={here ? "page" : undefined}>
        <Icon name="folder" size={15} />
        <span class="grow clip">{folder.name}</span>
        <span class="faint">{total || ""}</span>
      </a>
      {may(project.permissions, Permission.UPLOAD) && <FolderMenu folder={folder} folders={folders} />}
    </li>
  );
}

function Inside(props: SideProps & { project: Project }): JSX.Element {
  const { project, look } = props;
  const lines = linesOf(treeOf(shelvesOf(project.projectId).folders));
  const able = may(project.permissions, Permission.UPLOAD);
  return (
    <ul class="folders">
      {lines.map((branch) => (
        <FolderLine key={branch.folder.folderId} {...props} branch={branch} />
      ))}
      {able && (
        <li class="folder-line folder-more">
          <Menu icon="plus" small label={t("folder.new")} face={t("folder.new")}>
            {(close) => (
              <NameForm
                label={t("folder.name")}
                button={t("folder.make")}
                take={(name) => {
                  close();
                  void makeFolder(project.projectId, 0n, name);
                }}
              />
            )}
          </Menu>
        </li>
      )}
      {able && (
        <li class="folder-line">
          <a href={`/?project=${project.projectId}&trash=`} aria-current={look.trash ? "page" : undefined}>
            <Icon name="trash" size={15} />
            <span class="grow clip">{t("library.trash")}</span>
          </a>
        </li>
      )}
    </ul>
  );
}

/** The side. */
export function Side(props: SideProps): JSX.Element {
  const { list, project, look, selection } = props;
  return (
    <nav class="projects" aria-label={t("project.list")}>
      <ul>
        {list.map((each) => {
          const here = each.projectId === project?.projectId;
          const whole = here && !look.folder && !look.trash;
          return (
            <li key={each.projectId} {...(here ? dropping(each, 0n, selection) : {})}>
              <a href={`/?project=${each.projectId}`} aria-current={whole ? "page" : undefined} data-open={here}>
                <span class="grow clip">{each.name}</span>
                <span class="faint">{each.assetCount || ""}</span>
              </a>
              {here && <Inside {...props} project={each} />}
            </li>
          );
        })}
      </ul>
      {!me.value?.guest && (
        <Menu icon="plus" label={t("project.new")} face={t("project.new")}>
          {(close) => <NewProject close={close} />}
        </Menu>
      )}
    </nav>
  );
}
