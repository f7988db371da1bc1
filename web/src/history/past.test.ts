/** What of the past is fetched, when, and for whom. */
import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { versions } from "../app/api";
import { RollbackState } from "../gen/rushes/version/v1/version_pb";
import type { Room } from "../review/room";
import * as toast from "../ui/toast";
import { Past } from "./past";

vi.mock("../app/api", () => ({
  requestId: () => "request",
  annotations: { getDocument: vi.fn(), listChanges: vi.fn(), listOperations: vi.fn() },
  versions: { getVersionDocument: vi.fn(), listVersions: vi.fn(), rollbackVersion: vi.fn() },
}));

function makeRoom(): Room {
  return {
    personId: "ann",
    cut: { videoId: 1n },
    player: { frame: signal(0), playing: signal(false) },
    session: { version: signal(0) },
    side: signal("notes"),
    selected: signal(new Set()),
  } as unknown as Room;
}

const say = vi.spyOn(toast, "say");
let past: Past;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", globalThis);
  vi.mocked(versions.listVersions).mockResolvedValue({ versions: [], headVersionId: 0n } as never);
  past = new Past(makeRoom());
});

afterEach(() => {
  past.close();
  vi.useRealTimers();
  vi.resetAllMocks();
});

describe("undoing a restore", () => {
  it.each([true, false])("asks for what the restore asked for: one's own notes, or all", async (mine) => {
    const rollback = { rollbackId: 5n, state: RollbackState.DONE, annotationCount: 1 };
    vi.mocked(versions.rollbackVersion).mockResolvedValue({ rollback } as never);
    await past.restore({ case: "revision", value: 1n }, { onFrame: true, mine });
    say.mock.lastCall?.[0].action?.run();
    const asked = vi.mocked(versions.rollbackVersion).mock.lastCall?.[0];
    expect(asked?.target).toEqual({ target: { case: "rollbackId", value: 5n } });
    expect(asked?.scope).toEqual({ authorId: mine ? "ann" : "" });
  });
});
