/** The status of an asset or cut: its name, its colour, and the choice of another. */
import type { ComponentChildren, JSX } from "preact";
import { t } from "../messages";
import { Item, Menu } from "../ui/menu";

const COLORS = {
  wip: "#8a8a8a",
  "pending review": "#d9b44a",
  retake: "#e0736a",
  "could be better": "#d98b4e",
  approved: "#7fb685",
  final: "#6ba7d6",
  "on hold": "#a58bc9",
  omit: "#6b6b6b",
} as const;

/** The statuses that a project has at first. */
export const STATUSES = Object.keys(COLORS) as (keyof typeof COLORS)[];

function isKnown(status: string): status is keyof typeof COLORS {
  return status in COLORS;
}

/** What people read for a status: those that every project has at first are in their language. */
export function statusName(status: string): string {
  return isKnown(status) ? t(`asset.status.${status}`) : status;
}

/** The colour of a status. */
export function statusColor(status: string): string {
  return isKnown(status) ? COLORS[status] : "#8f9bb3";
}

/** A dot and the name. */
export function StatusFace({ status, children }: { status: string; children?: ComponentChildren }): JSX.Element {
  return (
    <span class="status-face">
      <i style={{ background: statusColor(status) }} />
      <span class="clip">{statusName(status)}</span>
      {children}
    </span>
  );
}

interface ChoiceProps {
  status: string;
  /** What it may be. */
  statuses: readonly string[];
  label: string;
  /** What the button shows; left out: the status. */
  face?: ComponentChildren;
  /** Whether what it is already may be chosen again. */
  again?: boolean;
  choose: (status: string) => void;
}

/** The status, and the menu of all that it may be. */
export function StatusChoice({ status, statuses, label, face, again, choose }: ChoiceProps): JSX.Element {
  return (
    <Menu small label={label} face={face ?? <StatusFace status={status} />}>
      {(close) =>
        statuses.map((each) => (
          <Item
            key={each}
            checked={each === status}
            onClick={() => {
              close();
              if (each !== status || again) choose(each);
            }}
          >
            <StatusFace status={each} />
          </Item>
        ))
      }
    </Menu>
  );
}
