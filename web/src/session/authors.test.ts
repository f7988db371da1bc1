import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CommittedSchema, type Committed } from "../gen/rushes/annotation/v1/annotation_service_pb";
import { Authors, MAX_AUTHORS } from "./authors";

const ann = { number: 7n, personId: "ann", clientId: new Uint8Array([1]) };
const bob = { number: 8n, personId: "bob", clientId: new Uint8Array([2]) };

function committed(authors: { number: bigint; personId?: string }[], ...numbers: bigint[]): Committed {
  const commits = numbers.map((author, at) => ({ revision: BigInt(at + 1), author }));
  return create(CommittedSchema, { authors, commits });
}

function makers({ commits }: Committed): [string, number[], bigint][] {
  return commits.map(({ personId, clientId, author }) => [personId, [...clientId], author]);
}

describe("who made a commit", () => {
  test("is written out from what was told before, in the same message or earlier", () => {
    const authors = new Authors();
    const first = committed([ann, bob], 8n, 7n, 8n);
    expect(authors.spellOut(first)).toBe(true);
    expect(makers(first)).toEqual([["bob", [2], 0n], ["ann", [1], 0n], ["bob", [2], 0n]]);
    const later = committed([], 7n);
    expect(authors.spellOut(later)).toBe(true);
    expect(makers(later)).toEqual([["ann", [1], 0n]]);
  });

  test("stays as it is where it is written out", () => {
    const whole = create(CommittedSchema, { commits: [{ revision: 1n, personId: "cem", clientId: new Uint8Array([3]) }] });
    expect(new Authors().spellOut(whole)).toBe(true);
    expect(makers(whole)).toEqual([["cem", [3], 0n]]);
  });

  test("is not known where nobody was told of the number", () => {
    expect(new Authors().spellOut(committed([ann], 7n, 8n))).toBe(false);
  });

  test("is known of as many as the server may mean, the newest", () => {
    const authors = new Authors();
    const many = Array.from({ length: MAX_AUTHORS }, (_, at) => ({ number: BigInt(at + 1), personId: String(at + 1) }));
    expect(authors.spellOut(committed(many, 1n, BigInt(MAX_AUTHORS)))).toBe(true);
    expect(authors.spellOut(committed([{ number: 20_000n, personId: "last" }], 2n, 20_000n))).toBe(true);
    expect(authors.spellOut(committed([], 1n))).toBe(false);
  });
});
