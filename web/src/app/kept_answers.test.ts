import "fake-indexeddb/auto";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createRouterTransport, type Client, type Interceptor } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { GetAssetResponseSchema, ProjectService } from "../gen/rushes/project/v1/project_service_pb";
import { isUnreachable, keepAnswers } from "./kept_answers";

const away = new ConnectError("Failed to fetch", Code.Unknown, undefined, undefined, new TypeError("Failed to fetch"));

/** A client whose calls meet what `fault` says, for somebody. */
function clientOf(person: () => string, fault: () => ConnectError | undefined): Client<typeof ProjectService> {
  const break_: Interceptor = (next) => (request) => {
    const error = fault();
    return error ? Promise.reject(error) : next(request);
  };
  const transport = createRouterTransport(
    ({ service }) =>
      service(ProjectService, {
        getAsset: ({ assetId }) => create(GetAssetResponseSchema, { asset: { assetId, name: `clip ${assetId}` } }),
      }),
    { transport: { interceptors: [keepAnswers(person), break_] } },
  );
  return createClient(ProjectService, transport);
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("answers that are kept", () => {
  test("without a network one sees what one saw, and nobody else does", async () => {
    let [who, fault] = ["ann", undefined as ConnectError | undefined];
    const client = clientOf(() => who, () => fault);
    await client.getAsset({ assetId: 7n });
    await settle();
    fault = away;
    expect((await client.getAsset({ assetId: 7n })).asset?.name).toBe("clip 7");
    await expect(client.getAsset({ assetId: 8n })).rejects.toThrow();
    who = "ben";
    await expect(client.getAsset({ assetId: 7n })).rejects.toThrow();
  });
  test("what one may not see any more is not shown from memory either", async () => {
    let fault: ConnectError | undefined;
    const client = clientOf(() => "cleo", () => fault);
    await client.getAsset({ assetId: 7n });
    await settle();
    fault = new ConnectError("no", Code.NotFound);
    await expect(client.getAsset({ assetId: 7n })).rejects.toThrow("no");
    await settle();
    fault = away;
    await expect(client.getAsset({ assetId: 7n })).rejects.toThrow("fetch");
  });
  test("only what nobody answered counts as unreachable", () => {
    expect(isUnreachable(new TypeError("Failed to fetch"))).toBe(true);
    expect(isUnreachable(away)).toBe(true);
    expect(isUnreachable(new ConnectError("", Code.Unavailable))).toBe(true);
    expect(isUnreachable(new ConnectError("", Code.Unauthenticated))).toBe(false);
  });
});
