/** What is known of versions as they come. */
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { VersionSchema } from "../gen/rushes/version/v1/version_pb";
import { SyncVersionsResponseSchema, type SyncVersionsResponse } from "../gen/rushes/version/v1/version_service_pb";
import { VersionList } from "./feed";

function opened(change: number, head: number): SyncVersionsResponse {
  return create(SyncVersionsResponseSchema, { message: { case: "opened", value: { change: BigInt(change), headVersionId: BigInt(head) } } });
}

function version(id: number, base: number, change = id, tags: string[] = []): SyncVersionsResponse {
  const value = create(VersionSchema, { versionId: BigInt(id), baseVersionId: BigInt(base), number: BigInt(id), change: BigInt(change), tags });
  return create(SyncVersionsResponseSchema, { message: { case: "version", value } });
}

describe("versions as they come", () => {
  test("it is whole when all is here that there was", () => {
    const list = new VersionList();
    list.take(opened(2, 2));
    list.take(version(1, 0));
    expect(list.whole).toBe(false);
    list.take(version(2, 1));
    expect(list.whole).toBe(true);
    expect(list.versions.map(({ versionId }) => versionId)).toEqual([2n, 1n]);
    expect(list.head).toBe(2n);
  });
  test("of none it is whole at once, and the first is the head", () => {
    const list = new VersionList();
    list.take(opened(0, 0));
    expect(list.whole).toBe(true);
    list.take(version(1, 0));
    expect(list.head).toBe(1n);
  });
  test("what follows the head is the head, a branch is not", () => {
    const list = new VersionList();
    for (const each of [opened(2, 2), version(1, 0), version(2, 1), version(3, 1), version(4, 2)]) list.take(each);
    expect(list.head).toBe(4n);
    list.take(version(5, 3));
    expect(list.head).toBe(4n);
  });
  test("a version that was tagged takes the place of what it was, and is no new head", () => {
    const list = new VersionList();
    for (const each of [opened(2, 2), version(1, 0), version(2, 1), version(1, 0, 3, ["final"])]) list.take(each);
    expect(list.versions.map(({ tags }) => tags)).toEqual([[], ["final"]]);
    expect(list.head).toBe(2n);
    expect(list.change).toBe(3n);
  });
  test("opened again it goes on, with the head of now", () => {
    const list = new VersionList();
    for (const each of [opened(1, 1), version(1, 0), opened(3, 3), version(2, 1), version(3, 2)]) list.take(each);
    expect(list.head).toBe(3n);
    expect(list.versions).toHaveLength(3);
  });
});
