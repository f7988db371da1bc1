/** The people of a project, for mentions: read when somebody is first looked for. */
import { signal, type Signal } from "@preact/signals";
import { createClient } from "@connectrpc/connect";
import { transport } from "../app/api";
import { AccessService } from "../gen/rushes/project/v1/access_service_pb";
import type { Person } from "./mention";

const access = createClient(AccessService, transport);
const known = new Map<bigint, Signal<readonly Person[]>>();

async function read(project: bigint, people: Signal<readonly Person[]>): Promise<void> {
  const all: Person[] = [];
  let pageToken = "";
  do {
    const page = await access.listGrants({ projectId: project, pageSize: 1000, pageToken });
    all.push(...page.grants.map(({ personId, name }) => ({ personId, name })));
    pageToken = page.nextPageToken;
  } while (pageToken);
  people.value = all;
}

/** The people; none until they are read. */
export function membersOf(project: bigint): Signal<readonly Person[]> {
  let found = known.get(project);
  if (!found) {
    found = signal([]);
    known.set(project, found);
    read(project, found).catch(() => known.delete(project));
  }
  return found;
}
