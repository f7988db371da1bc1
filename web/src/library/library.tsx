/** The library: projects, and the assets of one. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { me } from "../app/auth";
import { explain } from "../app/error";
import { navigate } from "../app/router";
import { Mark } from "../app/signin";
import { Permission } from "../gen/rushes/type/v1/access_pb";
import type { Project } from "../gen/rushes/project/v1/project_service_pb";
import { count, t } from "../messages";
import { pendingElsewhere } from "../session/keep";
import { Button } from "../ui/button";
import { chooseFiles, useDrop } from "../ui/dropzone";
import { Icon } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { say } from "../ui/toast";
import { Account } from "./account";
import { Card } from "./card";
import { ACCEPT } from "./plan";
import { Share } from "./share";
import { createProject, listing, loadAssets, loadMore, loadProjects, may, projectList } from "./store";
import { take } from "./take";
import { forget, interrupted, landed } from "./upload";
import "./library.css";

const SEARCH_WAIT_MS = 200;

/** Sends what pages that are gone left unsent. A browser that keeps nothing has nothing left. */
async function sendLeftOver(): Promise<void> {
  const self = me.peek();
  const left = await pendingElsewhere().catch(() => 0);
  if (!self || left === 0) return;
  const { drainAll } = await import("../session/session");
  await drainAll(self.personId, 0);
}

async function makeProject(name: string): Promise<void> {
  try {
    const project = await createProject(name);
    if (project) navigate(`/?project=${project.projectId}`);
  } catch (error) {
    say({ title: t("project.makeFailed"), detail: explain(error), look: "bad" });
  }
}

function NewProject({ close }: { close: () => void }): JSX.Element {
  const [name, setName] = useState("");
  const make = (event: Event): void => {
    event.preventDefault();
    if (!name.trim()) return;
    close();
    void makeProject(name.trim());
  };
  return (
    <form class="share column" onSubmit={make}>
      <label class="field">
        <span>{t("project.name")}</span>
        <input class="input" autofocus maxLength={256} value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <Button type="submit" look="primary" label={t("project.make")} disabled={!name.trim()}>
        {t("project.make")}
      </Button>
    </form>
  );
}

function Projects({ list, here }: { list: readonly Project[]; here: bigint }): JSX.Element {
  return (
    <nav class="projects" aria-label={t("project.list")}>
      <ul>
        {list.map((project) => (
          <li key={project.projectId}>
            <a href={`/?project=${project.projectId}`} aria-current={project.projectId === here ? "page" : undefined}>
              <span class="grow clip">{project.name}</span>
              <span class="faint">{project.assetCount || ""}</span>
            </a>
          </li>
        ))}
      </ul>
      {!me.value?.guest && (
        <Menu icon="plus" label={t("project.new")} face={t("project.new")}>
          {(close) => <NewProject close={close} />}
        </Menu>
      )}
    </nav>
  );
}

function Empty({ project, query }: { project: Project; query: string }): JSX.Element {
  if (query) return <p class="library-none dim">{t("library.noneFound", { query })}</p>;
  if (!may(project.permissions, Permission.UPLOAD)) return <p class="library-none dim">{t("library.nothingYet")}</p>;
  return (
    <div class="library-empty">
      <Icon name="film" size={40} />
      <h2>{t("library.dropHere")}</h2>
      <p class="dim">{t("library.dropDetail")}</p>
      <Button look="primary" icon="upload" label={t("upload.choose")} onClick={() => chooseFiles(ACCEPT, (files) => take(files, project.projectId))}>
        {t("upload.choose")}
      </Button>
    </div>
  );
}

function More(): JSX.Element {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const seen = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) loadMore().catch((error: unknown) => say({ title: explain(error), look: "bad" }));
    });
    if (end.current) seen.observe(end.current);
    return () => seen.disconnect();
  }, []);
  return <div ref={end} class="library-more" />;
}

function Assets({ project, query }: { project: Project; query: string }): JSX.Element {
  const error = useSignal("");
  const fresh = landed.value;
  useEffect(() => {
    loadAssets(project.projectId, query)
      .then(() => (error.value = ""))
      .catch((failure: unknown) => (error.value = explain(failure)));
  }, [project.projectId, query, fresh]);
  const held = listing.value;
  const mine = held?.project === project.projectId ? held : undefined;
  if (error.value && !mine) return <p class="library-none error">{error.value}</p>;
  if (!mine) return <div class="library-none spinner" role="status" aria-label={t("ui.loading")} />;
  if (mine.assets.length === 0) return <Empty project={project} query={mine.query} />;
  return (
    <>
      <ul class="grid" aria-label={t("library.assets")}>
        {mine.assets.map((asset) => (
          <Card key={asset.assetId} asset={asset} />
        ))}
      </ul>
      {mine.nextPage && <More key={mine.nextPage} />}
    </>
  );
}

function Head({ project, setQuery }: { project: Project; setQuery: (query: string) => void }): JSX.Element {
  const timer = useRef(0);
  const search = (query: string): void => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setQuery(query.trim()), SEARCH_WAIT_MS);
  };
  return (
    <div class="library-head">
      <h1 class="clip">{project.name}</h1>
      <span class="faint library-count">{count("library.count", project.assetCount)}</span>
      <label class="search grow">
        <Icon name="search" size={16} />
        <input
          type="search"
          class="input"
          placeholder={t("library.search")}
          aria-label={t("library.search")}
          onInput={(event) => search(event.currentTarget.value)}
        />
      </label>
      {may(project.permissions, Permission.ADMINISTER) && (
        <Menu icon="share" look="plain" label={t("share.title")} face={<span class="wide-only">{t("share.button")}</span>}>
          {() => <Share project={project.projectId} />}
        </Menu>
      )}
      {may(project.permissions, Permission.UPLOAD) && (
        <Button look="primary" icon="upload" label={t("upload.button")} onClick={() => chooseFiles(ACCEPT, (files) => take(files, project.projectId))}>
          {t("upload.button")}
        </Button>
      )}
    </div>
  );
}

/** The page of the library. */
export function Library({ project: wanted }: { project: string }): JSX.Element {
  const error = useSignal("");
  const [query, setQuery] = useState("");
  const fresh = landed.value;
  useEffect(() => {
    loadProjects()
      .then(() => (error.value = ""))
      .catch((failure: unknown) => (error.value = explain(failure)));
  }, [wanted, fresh]);
  useEffect(() => {
    document.title = "Rushes";
    void sendLeftOver();
  }, []);
  const list = projectList.value;
  const project = list?.find((each) => String(each.projectId) === wanted) ?? list?.[0];
  const id = project?.projectId;
  const canUpload = project !== undefined && may(project.permissions, Permission.UPLOAD);
  const drop = useCallback((files: File[]) => (project ? take(files, project.projectId) : undefined), [id]);
  useDrop(canUpload ? drop : undefined);
  useEffect(() => setQuery(""), [id]);
  return (
    <div class="library">
      <header class="library-bar">
        <a class="brand row" href="/">
          <Mark />
          <strong>Rushes</strong>
        </a>
        <span class="grow" />
        {list && project && (
          <span class="narrow-only">
            <Menu look="plain" label={t("project.list")} face={<span class="clip">{project.name}</span>} icon="down">
              {(close) =>
                list.map((each) => (
                  <Item
                    key={each.projectId}
                    checked={each === project}
                    onClick={() => {
                      close();
                      navigate(`/?project=${each.projectId}`);
                    }}
                  >
                    {each.name}
                  </Item>
                ))
              }
            </Menu>
          </span>
        )}
        <Account />
      </header>
      <div class="library-body">
        {list && <Projects list={list} here={id ?? 0n} />}
        <main class="library-main">
          {error.value && !list && <p class="error">{error.value}</p>}
          {list && !project && <NoProject />}
          {project && (
            <>
              <Head key={project.projectId} project={project} setQuery={setQuery} />
              <Interrupted project={project.projectId} />
              <Assets project={project} query={query} />
            </>
          )}
        </main>
      </div>
    </div>
  );
}

function Interrupted({ project }: { project: bigint }): JSX.Element {
  const mine = [...interrupted.value].filter(([, kept]) => kept.project === String(project));
  return (
    <>
      {mine.map(([key, { name }]) => (
        <p key={key} class="interrupted floating">
          <span class="grow">{t("upload.interrupted", { name })}</span>
          <Button small look="quiet" icon="close" label={t("ui.close")} onClick={() => forget(key)} />
        </p>
      ))}
    </>
  );
}

function NoProject(): JSX.Element {
  if (me.value?.guest) return <p class="library-none dim">{t("library.noInvitation")}</p>;
  return (
    <div class="library-empty">
      <Icon name="film" size={40} />
      <h2>{t("project.first")}</h2>
      <p class="dim">{t("project.firstDetail")}</p>
      <NewProject close={() => undefined} />
    </div>
  );
}
