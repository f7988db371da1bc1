import { describe, expect, test } from "vitest";
import { alive, arrived } from "./alive";

describe("whether anything arrives", () => {
  test("media and answers to checks count, of all pairs; what is sent does not", () => {
    const reports = [
      { type: "candidate-pair", bytesReceived: 900, bytesSent: 5000, responsesReceived: 3 },
      { type: "candidate-pair", requestsReceived: 2 },
      { type: "inbound-rtp", bytesReceived: 800 },
    ];
    expect(arrived(reports)).toBe(905);
    expect(arrived([])).toBe(0);
  });
  test("a connection on which nothing more comes is not alive", async () => {
    let bytesReceived = 10;
    const connection = { getStats: () => Promise.resolve(new Map([["a", { type: "candidate-pair", bytesReceived }]])) } as unknown as RTCPeerConnection;
    const looked = alive(connection);
    bytesReceived = 11;
    expect(await looked).toBe(true);
    expect(await alive(connection)).toBe(false);
  });
});
