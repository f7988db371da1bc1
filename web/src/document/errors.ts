/** What callers of the document core can do wrong. Each carries a stable reason. */

/** The base of all of them. */
export class DocumentError extends Error {
  constructor(
    message: string,
    /** Stable, in UPPER_SNAKE_CASE. */
    readonly reason: string,
  ) {
    super(message);
    this.name = new.target.name;
  }
}

/** What was given can never be right. */
export class InvalidArgument extends DocumentError {
  constructor(message: string, reason = "INVALID_ARGUMENT") {
    super(message, reason);
  }
}

/** What was asked for is not there. */
export class NotFound extends DocumentError {
  constructor(message: string) {
    super(message, "NOT_FOUND");
  }
}

/** A record of a newer rule set than this program knows: it must not go on with that video. */
export class UnknownRules extends DocumentError {
  constructor(readonly rules: number) {
    super("the log was written by a newer program", "UNKNOWN_RULES");
  }
}
