/** The head of the library: what is shown, and search, filter, order and views of it. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { me } from "../app/auth";
import { navigate } from "../app/router";
import { kept } from "../app/settings";
import type { Folder, Project } from "../gen/rushes/project/v1/project_service_pb";
import { Permission } from "../gen/rushes/type/v1/access_pb";
import { count, t } from "../messages";
import { Button } from "../ui/button";
import { chooseFiles } from "../ui/dropzone";
import { Icon } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { changeProject, deleteProject } from "./change";
import { lookOf, ORDERS, pathOf, queryOf, toggled, viewsOf, type Look } from "./look";
import { ACCEPT } from "./plan";
import { Share } from "./share";
import { NameForm } from "./side";
import { StatusFace, statusName } from "./status";
import { may, shelvesOf } from "./store";
import { take } from "./take";
import { treeOf, wayTo } from "./tree";

const SEARCH_WAIT_MS = 200;

interface HeadProps {
  project: Project;
  look: Look;
  /** How many are listed; undefined: not known yet. */
  total: number | undefined;
}

/** Shows something else of the project. */
export function show(look: Look, change: Partial<Look>): void {
  navigate(pathOf({ ...look, ...change }), true);
}

function Filter({ project, look }: HeadProps): JSX.Element {
  const { tags } = shelvesOf(project.projectId);
  const active = look.tags.length + look.statuses.length;
  return (
    <Menu icon="filter" look="plain" label={t("library.filter")} face={active > 0 ? <span>{active}</span> : undefined}>
      {() => (
        <>
          {project.statuses.map((status) => (
            <Item
              key={status}
              several
              checked={look.statuses.includes(status)}
              onClick={() => show(look, { statuses: toggled(look.statuses, status) })}
            >
              <StatusFace status={status} />
            </Item>
          ))}
          {tags.length > 0 && <hr />}
          {tags.map(({ tag, assetCount }) => (
            <Item key={tag} several icon="tag" checked={look.tags.includes(tag)} onClick={() => show(look, { tags: toggled(look.tags, tag) })}>
              {tag} <span class="faint">{assetCount}</span>
            </Item>
          ))}
        </>
      )}
    </Menu>
  );
}

function Order({ look }: { look: Look }): JSX.Element {
  return (
    <Menu icon="sort" look="plain" label={t("library.order")}>
      {(close) =>
        ORDERS.map((order) => (
          <Item
            key={order}
            checked={look.order === order}
            onClick={() => {
              close();
              show(look, { order });
            }}
          >
            {t(`library.order.${order}`)}
          </Item>
        ))
      }
    </Menu>
  );
}

/** Views that a person keeps of a project: filter, order and folder under a name. */
function Views({ project, look }: HeadProps): JSX.Element {
  const views = kept(`views/${project.projectId}`, viewsOf);
  const list = views.value.value ?? [];
  const query = queryOf(look);
  const here = list.find((view) => view.query === query);
  return (
    <Menu icon="bookmark" look="plain" label={t("library.views")} face={here ? <span class="clip">{here.name}</span> : undefined}>
      {(close) => (
        <>
          {list.map((view) => (
            <div key={view.name} class="row">
              <Item
                checked={view.query === query}
                onClick={() => {
                  close();
                  navigate(pathOf({ ...lookOf(new URLSearchParams(view.query)), project: String(project.projectId) }));
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
          {list.length > 0 && <hr />}
          <NameForm
            label={t("library.newView")}
            button={t("library.keepView")}
            take={(name) => {
              close();
              views.change((now) => [...now.filter((each) => each.name !== name), { name, query }]);
            }}
          />
        </>
      )}
    </Menu>
  );
}

function ProjectMenu({ project }: { project: Project }): JSX.Element {
  const [asking, ask] = useState<"" | "name" | "statuses" | "delete">("");
  const [text, setText] = useState(project.statuses.join("\n"));
  return (
    <Menu icon="more" small label={t("project.menu", { name: project.name })}>
      {(close) => {
        const shut = (): void => {
          ask("");
          close();
        };
        if (asking === "name") {
          return (
            <NameForm
              label={t("project.name")}
              button={t("library.rename")}
              value={project.name}
              take={(name) => {
                shut();
                void changeProject(project, { name });
              }}
            />
          );
        }
        if (asking === "statuses") {
          return (
            <form
              class="share column"
              onSubmit={(event) => {
                event.preventDefault();
                shut();
                void changeProject(project, { statuses: text.split("\n").flatMap((line) => line.trim() || []) });
              }}
            >
              <label class="field">
                <span>{t("project.statuses")}</span>
                <textarea class="input" autofocus rows={9} value={text} onInput={(event) => setText(event.currentTarget.value)} />
              </label>
              <Button type="submit" look="primary" label={t("account.save")}>
                {t("account.save")}
              </Button>
            </form>
          );
        }
        if (asking === "delete") {
          return (
            <div class="share column">
              <p>{t("project.deleteFully")}</p>
              <Button
                look="bad"
                label={t("project.delete")}
                onClick={() => {
                  shut();
                  void deleteProject(project).then((gone) => gone && navigate("/"));
                }}
              >
                {t("project.delete")}
              </Button>
            </div>
          );
        }
        return (
          <>
            <Item icon="pen" onClick={() => ask("name")}>
              {t("library.rename")}
            </Item>
            <Item icon="sort" onClick={() => ask("statuses")}>
              {t("project.changeStatuses")}
            </Item>
            {project.assetCount === 0 && (
              <Item icon="trash" onClick={() => ask("delete")}>
                {t("project.delete")}
              </Item>
            )}
          </>
        );
      }}
    </Menu>
  );
}

function Title({ project, look, total }: HeadProps): JSX.Element {
  const way = look.folder ? wayTo(shelvesOf(project.projectId).folders, BigInt(look.folder)) : [];
  const here = look.trash ? t("library.trash") : (way.at(-1)?.name ?? project.name);
  return (
    <div class="library-title row">
      {(look.trash || look.folder) && (
        <nav class="row way" aria-label={t("folder.way")}>
          <a class="clip faint" href={pathOf({ ...look, folder: "", trash: false })}>
            {project.name}
          </a>
          {way.slice(0, -1).map((folder) => (
            <a key={folder.folderId} class="clip faint" href={pathOf({ ...look, folder: String(folder.folderId) })}>
              {folder.name}
            </a>
          ))}
        </nav>
      )}
      <h1 class="clip">{here}</h1>
      {!look.folder && !look.trash && may(project.permissions, Permission.ADMINISTER) && <ProjectMenu project={project} />}
      <span class="faint library-count" role="status">
        {total === undefined ? "" : count("library.count", total)}
      </span>
    </div>
  );
}

/** The head. */
export function Head(props: HeadProps): JSX.Element {
  const { project, look } = props;
  const timer = useRef(0);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (field.current && document.activeElement !== field.current) field.current.value = look.query;
  }, [look.query]);
  const search = (query: string): void => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => show(lookOf(new URLSearchParams(location.search)), { query: query.trim() }), SEARCH_WAIT_MS);
  };
  const folder = look.folder ? BigInt(look.folder) : 0n;
  return (
    <div class="library-head">
      <Title {...props} />
      <label class="search grow">
        <Icon name="search" size={16} />
        <input
          ref={field}
          type="search"
          class="input"
          placeholder={t("library.search")}
          aria-label={t("library.search")}
          onInput={(event) => search(event.currentTarget.value)}
        />
      </label>
      <Filter {...props} />
      <Order look={look} />
      {me.value && <Views {...props} />}
      {may(project.permissions, Permission.ADMINISTER) && (
        <Menu icon="share" look="plain" label={t("share.title")} face={<span class="wide-only">{t("share.button")}</span>}>
          {() => <Share project={project.projectId} />}
        </Menu>
      )}
      {may(project.permissions, Permission.UPLOAD) && !look.trash && (
        <Button
          look="primary"
          icon="upload"
          label={t("upload.button")}
          onClick={() => chooseFiles(ACCEPT, (files) => take(files, project.projectId, 0n, folder))}
        >
          {t("upload.button")}
        </Button>
      )}
    </div>
  );
}

/** What is left out, each with a button that takes it back; and the folders here. */
export function Chips({ project, look }: HeadProps): JSX.Element | null {
  const { folders } = shelvesOf(project.projectId);
  const narrow = look.query !== "" || look.tags.length + look.statuses.length > 0;
  const here = look.trash || narrow ? [] : inside(folders, look.folder);
  if (here.length + look.tags.length + look.statuses.length === 0) return null;
  return (
    <div class="chips">
      {look.statuses.map((status) => (
        <button key={status} type="button" class="chip" aria-label={t("library.unfilter", { name: statusName(status) })} onClick={() => show(look, { statuses: toggled(look.statuses, status) })}>
          <StatusFace status={status} />
          <Icon name="close" size={12} />
        </button>
      ))}
      {look.tags.map((tag) => (
        <button key={tag} type="button" class="chip" aria-label={t("library.unfilter", { name: tag })} onClick={() => show(look, { tags: toggled(look.tags, tag) })}>
          <Icon name="tag" size={13} />
          {tag}
          <Icon name="close" size={12} />
        </button>
      ))}
      {here.map((branch) => (
        <a key={branch.folder.folderId} class="chip" href={pathOf({ ...look, folder: String(branch.folder.folderId) })}>
          <Icon name="folder" size={14} />
          <span class="clip">{branch.folder.name}</span>
          <span class="faint">{branch.total || ""}</span>
        </a>
      ))}
    </div>
  );
}

function inside(folders: readonly Folder[], folder: string): ReturnType<typeof treeOf<Folder>> {
  const tree = treeOf(folders);
  if (!folder) return tree;
  const find = (branches: typeof tree): typeof tree | undefined => {
    for (const branch of branches) {
      if (String(branch.folder.folderId) === folder) return branch.inside;
      const deeper = find(branch.inside);
      if (deeper) return deeper;
    }
    return undefined;
  };
  return find(tree) ?? [];
}
