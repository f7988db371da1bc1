/** Who made a commit, where the server names each author once and then says a number. */
import type { Author, Committed } from "../gen/rushes/annotation/v1/annotation_service_pb";

/** No commit says a number that was told longer ago (see Committed.authors). */
export const MAX_AUTHORS = 16_384;

/** Whom the numbers of one call mean. */
export class Authors {
  private readonly told = new Map<bigint, Author>();

  /** Writes out who made these commits. Gives whether it is known of each of them. */
  spellOut({ authors, commits }: Committed): boolean {
    for (const author of authors) this.told.set(author.number, author);
    for (const number of this.told.keys()) {
      if (this.told.size <= MAX_AUTHORS) break;
      this.told.delete(number);
    }
    for (const commit of commits) {
      if (commit.author === 0n) continue;
      const author = this.told.get(commit.author);
      if (!author) return false;
      commit.personId = author.personId;
      commit.clientId = author.clientId;
      commit.author = 0n;
    }
    return true;
  }
}
