/** The cut picker and the status: of the asset, and of each cut. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { projects, requestId } from "../app/api";
import { explain } from "../app/error";
import { me } from "../app/auth";
import { keysOf } from "../app/keys";
import { nameOf, person } from "../app/people";
import type { Compare } from "../compare/compare";
import type { Asset, Cut } from "../gen/rushes/project/v1/project_service_pb";
import { Permission } from "../gen/rushes/type/v1/access_pb";
import { ACCEPT } from "../library/plan";
import { remarkText } from "../library/remark";
import { StatusChoice, StatusFace, STATUSES, statusName } from "../library/status";
import { may, patch, projectList } from "../library/store";
import { take } from "../library/take";
import { t } from "../messages";
import { chooseFiles } from "../ui/dropzone";
import { Icon } from "../ui/icon";
import { Item, Menu } from "../ui/menu";
import { say } from "../ui/toast";
import { ago } from "../ui/when";
import { goToNumber } from "./address";
import type { Room } from "./room";

/** What of the usual statuses is for whoever approves. */
const DECISIONS = ["approved", "could be better", "retake"] as const;

/** What statuses may be, by project, of those that were asked for. */
const known = signal<ReadonlyMap<bigint, readonly string[]>>(new Map());

function useStatuses(project: bigint): readonly string[] {
  const held = projectList.value?.find((each) => each.projectId === project)?.statuses ?? known.value.get(project);
  useEffect(() => {
    if (held) return;
    projects
      .getProject({ projectId: project })
      .then((answer) => (known.value = new Map([...known.peek(), [project, answer.project?.statuses ?? []]])))
      // Until it can be asked again, those that every project has at first are offered; the service refuses others.
      .catch(() => undefined);
  }, [project, held === undefined]);
  return held?.length ? held : STATUSES;
}

interface AssetProps {
  room: Room;
  asset: Asset;
  changed: (asset: Asset) => void;
}

async function change(what: Promise<{ asset?: Asset | undefined }>, changed: (asset: Asset) => void): Promise<void> {
  try {
    const { asset } = await what;
    if (!asset) return;
    changed(asset);
    patch([asset]);
  } catch (error) {
    say({ title: t("review.statusFailed"), detail: explain(error), look: "bad" });
  }
}

/** The status of the asset: a choice for whoever may change it. Who only approves has a say on each cut. */
export function AssetStatus(props: AssetProps): JSX.Element {
  const { asset, changed } = props;
  const statuses = useStatuses(asset.projectId);
  const status = asset.status || statuses[0] || "";
  if (may(asset.permissions, Permission.APPROVE) && !may(asset.permissions, Permission.UPLOAD)) return <Decision {...props} statuses={statuses} />;
  if (!may(asset.permissions, Permission.UPLOAD)) return <StatusFace status={status} />;
  const choose = (next: string): void => {
    const { assetId } = asset;
    void change(projects.updateAsset({ asset: { assetId, status: next }, updateMask: { paths: ["status"] }, requestId: requestId() }), changed);
  };
  return <StatusChoice status={status} statuses={statuses} label={t("asset.statusOf", { name: asset.name })} choose={choose} />;
}

/** The status of the cut that is open, and what changes it. */
function useCutStatus({ room, asset, changed }: AssetProps): { cut: Cut; choose: (status: string) => void } {
  const { number } = room.cut;
  const cut = asset.cuts.find((each) => each.number === number) ?? room.cut;
  const choose = (status: string): void => {
    const { assetId } = asset;
    void change(projects.updateCut({ assetId, cut: { number, status }, updateMask: { paths: ["status"] }, requestId: requestId() }), changed);
  };
  return { cut, choose };
}

function CutStatus(props: AssetProps): JSX.Element {
  const statuses = useStatuses(props.asset.projectId);
  const { cut, choose } = useCutStatus(props);
  const { number, status } = cut;
  return (
    <div class="row cut-status">
      <span class="faint grow">{t("review.cutStatus", { number })}</span>
      <StatusChoice status={status || t("review.noStatus")} statuses={statuses} label={t("review.cutStatus", { number })} choose={choose} />
    </div>
  );
}

/** What whoever approves, but does not make the cuts, decides of the one that is open. */
function Decision({ statuses, ...props }: AssetProps & { statuses: readonly string[] }): JSX.Element {
  const { cut, choose } = useCutStatus(props);
  const usual = DECISIONS.filter((each) => statuses.includes(each));
  return (
    <span class="row decision">
      {!cut.status && <StatusFace status={props.asset.status || statuses[0] || ""} />}
      <StatusChoice
        status={cut.status}
        statuses={usual.length > 0 ? usual : statuses}
        label={t("review.decideOn", { number: cut.number })}
        face={cut.status ? undefined : <b>{t("review.decide")}</b>}
        again={cut.status !== props.asset.status}
        choose={choose}
      />
    </span>
  );
}

/** Who chose the status of a cut, and when. */
function decidedBy({ status, statusBy, statusMs }: Cut): string {
  if (!status || !statusBy) return statusName(status);
  return t("review.decidedBy", { status: statusName(status), name: person(statusBy).name || t("people.unknown"), time: ago(Number(statusMs), Date.now()) });
}

/** Says what somebody else has decided meanwhile of the cuts of an asset. */
export function tellDecisions(before: Asset, now: Asset): void {
  for (const { number, status, statusBy } of now.cuts) {
    const held = before.cuts.find((each) => each.number === number);
    if (!held || !status || held.status === status || !statusBy || statusBy === me.peek()?.personId) continue;
    void nameOf(statusBy).then((name) => say({ title: t("review.decided", { number, status: statusName(status) }), detail: t("review.decidedDetail", { name: name || t("people.unknown") }) }));
  }
}

function Remarks({ remarks }: { remarks: readonly string[] }): JSX.Element {
  return (
    <ul class="cut-remarks">
      {remarks.map((each) => (
        <li key={each}>{remarkText(each)}</li>
      ))}
    </ul>
  );
}

/** What was remarkable about the file of the cut that is open. */
export function CutRemarks({ room }: { room: Room }): JSX.Element | null {
  const { remarks } = room.video;
  if (remarks.length === 0) return null;
  return (
    <Menu icon="warn" label={t("remark.title")}>
      {() => <Remarks remarks={remarks} />}
    </Menu>
  );
}

/** The number, and the sign that there is more below it. */
function CutFace({ number }: { number: number }): JSX.Element {
  return (
    <>
      <span class="mono">v{number}</span>
      <Icon name="down" size={12} />
    </>
  );
}

/** The picker: every cut with its file and status, and the way to a new one. */
export function Cuts({ room, asset, changed, compare }: AssetProps & { compare: Compare }): JSX.Element {
  const mayUpload = may(asset.permissions, Permission.UPLOAD);
  const { nearest } = compare;
  return (
    <Menu label={t("review.cuts")} keys={`${keysOf("go.previousCut")} ${keysOf("go.nextCut")}`} face={<CutFace number={room.cut.number} />}>
      {(close) => (
        <>
          {asset.cuts.map((each) => (
            <Item
              key={each.number}
              checked={each.number === room.cut.number}
              onClick={() => {
                close();
                if (each.number !== room.cut.number) goToNumber(room, each.number);
              }}
            >
              v{each.number} <span class="faint">{each.fileName || ago(Number(each.createdMs), Date.now())}</span>
              {each.status && (
                <span title={decidedBy(each)}>
                  <StatusFace status={each.status} />
                </span>
              )}
            </Item>
          ))}
          {nearest !== undefined && !compare.now.value && (
            <>
              <hr />
              <Item
                icon="compare"
                onClick={() => {
                  close();
                  compare.start(nearest);
                }}
              >
                {t("compare.with", { number: nearest })}
              </Item>
            </>
          )}
          {asset.cuts.some(({ number, statusBy }) => number === room.cut.number && statusBy !== "") && (
            <p class="menu-name faint">{decidedBy(asset.cuts.find(({ number }) => number === room.cut.number) ?? room.cut)}</p>
          )}
          {room.video.remarks.length > 0 && <Remarks remarks={room.video.remarks} />}
          {mayUpload && (
            <>
              <hr />
              <CutStatus room={room} asset={asset} changed={changed} />
              <hr />
              <Item
                icon="upload"
                onClick={() => {
                  close();
                  chooseFiles(ACCEPT, (files) => take(files, asset.projectId, asset.assetId));
                }}
              >
                {t("asset.addCut")}
              </Item>
            </>
          )}
        </>
      )}
    </Menu>
  );
}
