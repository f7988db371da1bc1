/** Who is in a project, and which links still let somebody in: for its owners. Fetched when it is first looked at. */
import { createClient } from "@connectrpc/connect";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { identity, requestId, transport } from "../app/api";
import { me } from "../app/auth";
import { explain } from "../app/error";
import { roleName, ROLES } from "../app/invite";
import { person } from "../app/people";
import { AccessService, type RoleGrant } from "../gen/rushes/project/v1/access_service_pb";
import type { Invitation } from "../gen/rushes/project/v1/identity_service_pb";
import { count, t } from "../messages";
import { Button } from "../ui/button";
import { Avatar } from "../ui/person";
import { shortly } from "../ui/when";

const access = createClient(AccessService, transport);
const PAGE = 1000;

async function grantsOf(projectId: bigint): Promise<RoleGrant[]> {
  const all: RoleGrant[] = [];
  let pageToken = "";
  do {
    const page = await access.listGrants({ projectId, pageSize: PAGE, pageToken });
    all.push(...page.grants);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return all;
}

async function linksOf(projectId: bigint): Promise<Invitation[]> {
  const all: Invitation[] = [];
  let pageToken = "";
  do {
    const page = await identity.listInvitations({ projectId, pageSize: PAGE, pageToken });
    all.push(...page.invitations);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return all;
}

interface MemberProps {
  grant: RoleGrant;
  give: (role: string) => void;
  take: () => void;
}

/** One person: their role, and the way out, which asks once more. */
function Member({ grant, give, take }: MemberProps): JSX.Element {
  const [sure, setSure] = useState(false);
  const { personId, name, role } = grant;
  const mine = me.value?.personId === personId;
  if (sure) {
    return (
      <li class="row">
        <span class="grow">{t("members.removeSure", { name })}</span>
        <Button small look="bad" label={t("members.remove", { name })} onClick={take}>
          {t("members.removeShort")}
        </Button>
        <Button small look="quiet" label={t("ui.cancel")} onClick={() => setSure(false)}>
          {t("ui.cancel")}
        </Button>
      </li>
    );
  }
  return (
    <li class="row" data-who={name}>
      <Avatar small name={name} color={person(personId).color} />
      <span class="grow clip">{mine ? t("live.youNamed", { name }) : name}</span>
      {mine ? (
        <span class="faint">{roleName(role)}</span>
      ) : (
        <>
          <select class="input" aria-label={t("members.role", { name })} value={role} onChange={(event) => give(event.currentTarget.value)}>
            {ROLES.map((each) => (
              <option key={each} value={each}>
                {roleName(each)}
              </option>
            ))}
          </select>
          <Button small look="quiet" icon="close" label={t("members.remove", { name })} onClick={() => setSure(true)} />
        </>
      )}
    </li>
  );
}

function Link({ link, withdraw }: { link: Invitation; withdraw: () => void }): JSX.Element {
  return (
    <li class="row">
      <span class="grow">
        {roleName(link.role)} <span class="faint">· {count("members.used", link.uses)}</span>
        <br />
        <span class="faint">{t("share.until", { time: shortly(Number(link.expiresMs)) })}</span>
      </span>
      <Button small look="quiet" label={t("members.withdraw")} onClick={withdraw}>
        {t("members.withdraw")}
      </Button>
    </li>
  );
}

/** Both lists; `fresh` changes when a link was made. */
export default function Members({ project, fresh }: { project: bigint; fresh: string }): JSX.Element | null {
  const [grants, setGrants] = useState<readonly RoleGrant[]>();
  const [links, setLinks] = useState<readonly Invitation[]>([]);
  const [error, setError] = useState("");
  const here = useRef(true);
  useEffect(() => () => void (here.current = false), []);
  const read = async (): Promise<void> => {
    const [people, open] = await Promise.all([grantsOf(project), linksOf(project)]);
    if (!here.current) return;
    setGrants(people);
    setLinks(open);
  };
  const run = async (work: () => Promise<unknown>): Promise<void> => {
    setError("");
    try {
      await work();
    } catch (failure) {
      setError(explain(failure));
    }
  };
  useEffect(() => void run(read), [project, fresh]);
  // What is listed is what the server says, whatever became of the change.
  const change = (work: () => Promise<unknown>): Promise<void> => run(() => work().finally(() => read()));
  const give = (personId: string, role: string): Promise<void> => change(() => access.grant({ projectId: project, personId, role, requestId: requestId() }));
  const take = (personId: string): Promise<void> => change(() => access.revoke({ projectId: project, personId, requestId: requestId() }));
  const withdraw = (invitationId: string): Promise<void> =>
    change(() => identity.revokeInvitation({ projectId: project, invitationId, requestId: requestId() }));
  return (
    <div class="members column" data-testid="members">
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      {grants && (
        <>
          <h3>{count("members.people", grants.length)}</h3>
          <ul class="plain">
            {grants.map((grant) => (
              <Member key={grant.personId} grant={grant} give={(role) => void give(grant.personId, role)} take={() => void take(grant.personId)} />
            ))}
          </ul>
        </>
      )}
      {links.length > 0 && (
        <>
          <h3>{t("members.links")}</h3>
          <ul class="plain">
            {links.map((link) => (
              <Link key={link.invitationId} link={link} withdraw={() => void withdraw(link.invitationId)} />
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
