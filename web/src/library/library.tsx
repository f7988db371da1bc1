/** The library: projects, and the assets of one. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useEffect, useMemo, useRef } from "preact/hooks";
import { me, unreached } from "../app/auth";
import { explain } from "../app/error";
import { navigate, route } from "../app/router";
import { Mark } from "../app/signin";
import { Permission } from "../gen/rushes/type/v1/access_pb";
import type { Project } from "../gen/rushes/project/v1/project_service_pb";
import { t } from "../messages";
import { pendingElsewhere } from "../session/keep";
import { Button } from "../ui/button";
import { chooseFiles, useDrop } from "../ui/dropzone";
import { Icon } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { Account } from "./account";
import { Bulk } from "./bulk";
import { useFresh } from "./fresh";
import { Grid } from "./grid";
import { Chips, Head, show } from "./head";
import { lookOf, narrowed, pathOf, type Look } from "./look";
import { ACCEPT } from "./plan";
import { NONE, type Selection } from "./selection";
import { NewProject, Side } from "./side";
import { listing, loadAssets, loadProjects, loadShelves, may, projectList, type Listing } from "./store";
import { take } from "./take";
import { forget, interrupted, landed } from "./upload";
import "./library.css";

/** Sends what pages that are gone left unsent. A browser that keeps nothing has nothing left. */
async function sendLeftOver(): Promise<void> {
  const self = me.peek();
  const left = await pendingElsewhere().catch(() => 0);
  if (!self || left === 0) return;
  const { drainAll } = await import("../session/session");
  await drainAll(self.personId, 0);
}

function Empty({ project, look }: { project: Project; look: Look }): JSX.Element {
  if (narrowed(look)) {
    return (
      <div class="library-none dim column">
        <p>{look.query ? t("library.noneFound", { query: look.query }) : t("library.noneLeft")}</p>
        <p>
          <Button label={t("library.showAll")} onClick={() => show(look, { query: "", tags: [], statuses: [] })}>
            {t("library.showAll")}
          </Button>
        </p>
      </div>
    );
  }
  if (look.trash) return <p class="library-none dim">{t("library.trashEmpty")}</p>;
  if (!may(project.permissions, Permission.UPLOAD)) return <p class="library-none dim">{t("library.nothingYet")}</p>;
  const folder = look.folder ? BigInt(look.folder) : 0n;
  return (
    <div class="library-empty">
      <Icon name="film" size={40} />
      <h2>{t("library.dropHere")}</h2>
      <p class="dim">{look.folder ? t("library.dropFolder") : t("library.dropDetail")}</p>
      <Button look="primary" icon="upload" label={t("upload.choose")} onClick={() => chooseFiles(ACCEPT, (files) => take(files, project.projectId, 0n, folder))}>
        {t("upload.choose")}
      </Button>
    </div>
  );
}

/** Reads what the look shows, again when uploads land, and keeps it as it is. */
function useAssets(project: Project, look: Look): { held: Listing | undefined; error: string } {
  const error = useSignal("");
  const fresh = landed.value;
  const key = pathOf({ ...look, project: String(project.projectId) });
  const read = (reading: Promise<unknown>): void => {
    reading.then(() => (error.value = "")).catch((failure: unknown) => (error.value = explain(failure)));
  };
  useEffect(() => read(Promise.all([loadAssets(project.projectId, look), loadShelves(project.projectId)])), [key, fresh]);
  useFresh(project.projectId, look);
  const held = listing.value;
  return { held: held?.project === project.projectId ? held : undefined, error: error.value };
}

function Content({ project, look }: { project: Project; look: Look }): JSX.Element {
  const selection = useSignal<Selection>(NONE);
  const renaming = useSignal(0n);
  const { held: latestHeld, error } = useAssets(project, look);
  // Under a name that is being typed nothing moves: a field that is moved or made anew loses the focus, and the name is closed.
  const still = useRef(latestHeld);
  if (renaming.value === 0n) still.current = latestHeld;
  const held = still.current;
  useEffect(() => {
    selection.value = NONE;
  }, [project.projectId, look.folder, look.trash]);
  latest = selection.value;
  const current = held?.key === pathOf({ ...look, project: String(project.projectId) });
  return (
    <>
      <Head project={project} look={look} total={current ? held.total : undefined} />
      <div class="library-scroll" data-testid="library-scroll">
        <Interrupted project={project.projectId} />
        <Chips project={project} look={look} total={held?.total} />
        {error && !held && <p class="library-none error">{error}</p>}
        {!held && !error && <div class="library-none spinner" role="status" aria-label={t("ui.loading")} />}
        {held && held.total === 0 && current && <Empty project={project} look={look} />}
        {held && held.total > 0 && <Grid key={held.key} project={project} listing={held} selection={selection} renaming={renaming} />}
      </div>
      <Bulk project={project} selection={selection} trash={look.trash} />
    </>
  );
}

/** What is chosen now, for what is dropped on a folder. */
let latest: Selection = NONE;

/** The page of the library. */
export function Library({ project: wanted }: { project: string }): JSX.Element {
  const error = useSignal("");
  const fresh = landed.value;
  const here = route.value;
  const look = useMemo(() => lookOf(new URLSearchParams(location.search)), [here]);
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
  const canUpload = project !== undefined && may(project.permissions, Permission.UPLOAD) && !look.trash;
  const folder = look.folder ? BigInt(look.folder) : 0n;
  const drop = useCallback((files: File[]) => (project ? take(files, project.projectId, 0n, folder) : undefined), [id, folder]);
  useDrop(canUpload ? drop : undefined);
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
        {list && <Side list={list} project={project} look={look} selection={() => latest} />}
        <main class="library-main">
          {unreached.value && <p class="library-offline dim">{t("shell.offline")}</p>}
          {error.value && !list && <p class="error">{error.value}</p>}
          {list && !project && <NoProject />}
          {project && <Content key={project.projectId} project={project} look={look} />}
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
