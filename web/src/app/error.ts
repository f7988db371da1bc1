/** Failures in words: what happened, and what to do. What the services say is written for people and is shown as it is. */
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";
import { said, t } from "../messages";

/** An answer of the page's own HTTP routes that is an error. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** Whether the session has ended. A wrong password, asked for once more within a session, does not end it. */
export function isSignedOut(error: unknown): boolean {
  if (isWrongPassword(error)) return false;
  if (error instanceof HttpError) return error.status === 401;
  return error instanceof ConnectError && error.code === Code.Unauthenticated;
}

/** Whether a password was not right. */
export function isWrongPassword(error: unknown): boolean {
  return reasonOf(error) === "WRONG_CREDENTIALS";
}

/** Whether there is no such thing, or one may not see it, which is answered alike. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ConnectError && error.code === Code.NotFound;
}

/** The stable reason of an error; empty: it has none. */
export function reasonOf(error: unknown): string {
  if (error instanceof HttpError) return error.reason;
  if (!(error instanceof ConnectError)) return "";
  return error.findDetails(ErrorInfoSchema)[0]?.reason ?? "";
}

const UNREACHABLE: ReadonlySet<Code> = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Aborted, Code.Canceled]);

/** What a person reads about an error. */
export function explain(error: unknown): string {
  if (error instanceof HttpError) return said(error.reason, error.message);
  if (error instanceof TypeError) return t("error.unreachable");
  if (error instanceof ConnectError) {
    if (error.rawMessage === "" || /fetch|network/i.test(error.rawMessage)) return t("error.unreachable");
    if (UNREACHABLE.has(error.code) && reasonOf(error) === "") return t("error.unreachable");
    return said(reasonOf(error), error.rawMessage);
  }
  return t("error.unexpected");
}
