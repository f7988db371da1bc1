import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";
import { HttpError, isSignedOut, isWrongPassword } from "./error";

function refusal(reason: string): ConnectError {
  const detail = { desc: ErrorInfoSchema, value: { reason } };
  return new ConnectError("no", Code.Unauthenticated, undefined, [detail]);
}

describe("errors", () => {
  test("a session that ended is noticed", () => {
    expect(isSignedOut(new HttpError(401, "SESSION_ENDED", "no"))).toBe(true);
    expect(isSignedOut(new ConnectError("no", Code.Unauthenticated))).toBe(true);
  });
  test("a wrong password while one is signed in does not end the session", () => {
    expect(isWrongPassword(new HttpError(401, "WRONG_CREDENTIALS", "no"))).toBe(true);
    expect(isSignedOut(new HttpError(401, "WRONG_CREDENTIALS", "no"))).toBe(false);
    expect(isSignedOut(refusal("WRONG_CREDENTIALS"))).toBe(false);
    expect(isSignedOut(refusal("SESSION_ENDED"))).toBe(true);
  });
});
