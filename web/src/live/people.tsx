/** Everybody in a live room, and what each may do there: a moderator chooses. */
import type { JSX } from "preact";
import { ParticipantKind, RoomRole, type Participant } from "../gen/rushes/signaling/v1/room_service_pb";
import { t, type Key } from "../messages";
import { Icon } from "../ui/icon";
import type { Live } from "./live";

const ROLES: readonly (readonly [RoomRole, Key])[] = [
  [RoomRole.UNSPECIFIED, "role.rights"],
  [RoomRole.DRIVER, "role.driver"],
  [RoomRole.ANNOTATE, "role.annotate"],
  [RoomRole.LASER, "role.laser"],
  [RoomRole.VIEW, "role.view"],
];

/** The list. */
export function People({ live }: { live: Live }): JSX.Element {
  return (
    <ul class="plain people-list" aria-label={t("live.people")} data-testid="people">
      {live.here.value.map((each) => (
        <li key={each.participantId} class="row" data-who={each.name}>
          {each.hand && <Icon name="hand" size={13} />}
          <span class="clip grow">{each.participantId === live.me.value ? t("live.youNamed", { name: each.name }) : each.name}</span>
          {each.kind !== ParticipantKind.PROGRAMME && <Role live={live} who={each} />}
        </li>
      ))}
    </ul>
  );
}

function Role({ live, who }: { live: Live; who: Participant }): JSX.Element | null {
  const give = (role: RoomRole): void =>
    void live.ask({ case: "moderate", value: { participantId: who.participantId, what: { case: "role", value: role } } });
  if (!live.myself.value?.moderates) {
    const name = ROLES.find(([role]) => role === who.role && role !== RoomRole.UNSPECIFIED);
    return name ? <span class="faint">{t(name[1] as "role.view")}</span> : null;
  }
  return (
    <select aria-label={t("role.of", { name: who.name })} value={who.role} onChange={(event) => give(ROLES[event.currentTarget.selectedIndex]?.[0] ?? RoomRole.UNSPECIFIED)}>
      {ROLES.map(([role, name]) => (
        <option key={role} value={role}>
          {t(name as "role.view")}
        </option>
      ))}
    </select>
  );
}
