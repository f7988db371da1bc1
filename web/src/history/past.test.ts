/** What of the past is fetched, when, and for whom. */
import { create } from "@bufbuild/protobuf";
import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { annotations, versions } from "../app/api";
import { AnnotationStateSchema } from "../gen/rushes/annotation/v1/annotation_pb";
import type { Cut } from "../gen/rushes/project/v1/project_service_pb";
import { RollbackState, type Version } from "../gen/rushes/version/v1/version_pb";
import type { Room } from "../review/room";
import * as toast from "../ui/toast";
import { Past } from "./past";

vi.mock("../app/api", () => ({
  requestId: () => "request",
  annotations: { getDocument: vi.fn(), listChanges: vi.fn(), listOperations: vi.fn() },
  versions: { getVersionDocument: vi.fn(), rollbackVersion: vi.fn(), carryNotes: vi.fn() },
}));

function makeRoom(): Room {
  return {
    personId: "ann",
    cut: { videoId: 1n },
    player: { frame: signal(0), playing: signal(false), clock: { last: 999 } },
    session: { version: signal(0), client: { screen: { annotations: [] } } },
    side: signal("notes"),
    compare: signal(""),
    selected: signal(new Set()),
  } as unknown as Room;
}

const NOTE = create(AnnotationStateSchema, { annotation: { id: new Uint8Array(16) } });
const SNAPSHOT = { versionId: 7n, createdMs: 1n } as Version;

/** As a player that shows a frame every 40 ms. */
async function play(frames: number): Promise<void> {
  room.player.playing.value = true;
  for (let at = 0; at < frames; at++) {
    room.player.frame.value++;
    await vi.advanceTimersByTimeAsync(40);
  }
}

const say = vi.spyOn(toast, "say");
let past: Past;
let room: Room;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", globalThis);
  vi.mocked(versions.getVersionDocument).mockResolvedValue({ annotations: [NOTE], nextPageToken: "" } as never);
  vi.mocked(annotations.getDocument).mockResolvedValue({ annotations: [NOTE], nextPageToken: "", timeMs: 5n } as never);
  vi.mocked(annotations.listChanges).mockResolvedValue({ changes: [], nextPageToken: "" } as never);
  vi.mocked(annotations.listOperations).mockResolvedValue({ commits: [], nextPageToken: "" } as never);
  room = makeRoom();
  past = new Past(room);
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

describe("bringing notes from another cut", () => {
  it("can be undone, as far as the notes are one's own", async () => {
    const rollback = { rollbackId: 9n, state: RollbackState.DONE, annotationCount: 12, keptCount: 1 };
    vi.mocked(versions.carryNotes).mockResolvedValue({ rollback } as never);
    vi.mocked(versions.rollbackVersion).mockResolvedValue({ rollback } as never);
    await past.bring({ number: 1, videoId: 4n } as Cut, -3, true);
    expect(vi.mocked(versions.carryNotes).mock.lastCall?.[0]).toMatchObject({ fromVideoId: 4n, toVideoId: 1n, frameOffset: -3n, openOnly: true });
    expect(say.mock.lastCall?.[0].title).toBe("12 notes and replies carried over from v1");
    expect(say.mock.lastCall?.[0].detail).toContain("1 was left out");
    say.mock.lastCall?.[0].action?.run();
    const asked = vi.mocked(versions.rollbackVersion).mock.lastCall?.[0];
    expect(asked).toMatchObject({ target: { target: { case: "rollbackId", value: 9n } }, scope: { authorId: "ann" } });
  });
});

describe("showing", () => {
  it("shows a snapshot again after one was back at now", async () => {
    past.show({ kind: "version", version: SNAPSHOT });
    await vi.advanceTimersByTimeAsync(100);
    past.show(undefined);
    past.show({ kind: "version", version: SNAPSHOT });
    await vi.advanceTimersByTimeAsync(100);
    expect(past.states.value).toHaveLength(1);
  });

  it("fetches what is ahead while it plays, before it is reached", async () => {
    past.show({ kind: "revision", revision: 3 });
    await play(400);
    const asked = vi.mocked(annotations.getDocument).mock.calls.map(([request]) => request.frames);
    expect(asked).toHaveLength(3);
    for (const [at, frames] of asked.slice(1).entries()) expect(frames?.first).toBeLessThan(asked[at]?.last ?? 0);
  });

  it("shows where a dragged slider is, one fetch at a time", async () => {
    let answer: (value: unknown) => void = () => undefined;
    vi.mocked(annotations.getDocument).mockImplementationOnce(() => new Promise((resolve) => (answer = resolve as never)) as never);
    for (let revision = 1; revision <= 20; revision++) {
      past.show({ kind: "revision", revision });
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(annotations.getDocument).toHaveBeenCalledTimes(1);
    answer({ annotations: [], nextPageToken: "", timeMs: 1n });
    await vi.advanceTimersByTimeAsync(100);
    expect(vi.mocked(annotations.getDocument).mock.lastCall?.[0].at).toEqual({ case: "revision", value: 20n });
    expect(past.timeMs.value).toBe(5);
    expect(past.busy.value).toBe(false);
  });

  it("tells of a failure once, and tries again when it goes on", async () => {
    vi.mocked(versions.getVersionDocument).mockRejectedValueOnce(new Error("away"));
    past.show({ kind: "version", version: SNAPSHOT });
    await vi.advanceTimersByTimeAsync(1000);
    expect(say).toHaveBeenCalledTimes(1);
    room.player.frame.value = 5;
    await vi.advanceTimersByTimeAsync(100);
    expect(past.states.value).toHaveLength(1);
  });
});

describe("the history of the frame", () => {
  it("is of the frame that one paused on, and is not asked for while it plays", async () => {
    room.side.value = "history";
    await play(10);
    expect(annotations.listOperations).toHaveBeenCalledTimes(1);
    room.player.playing.value = false;
    await vi.advanceTimersByTimeAsync(1);
    expect(vi.mocked(annotations.listOperations).mock.lastCall?.[0].frames).toEqual({ first: 10, last: 10 });
  });
});
