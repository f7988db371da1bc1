/** The notes of a video as they were at any moment of a session: a document at its beginning, and what was done since. */
import { annotations } from "../app/api";
import { commitFromMessage, stateFromMessage, type AnnotationState } from "../document";
import { Replica } from "../document/replica";
import type { AnnotationState as StateMessage } from "../gen/rushes/annotation/v1/annotation_pb";
import type { Commit } from "../gen/rushes/annotation/v1/operation_pb";

const PAGE = 1000;

export class Strokes {
  private readonly replica = new Replica();
  private at = Number.NEGATIVE_INFINITY;
  private next = 0;

  private constructor(
    private readonly base: readonly StateMessage[],
    private readonly revision: number,
    private readonly commits: readonly Commit[],
  ) {}

  /** Reads what is needed for a span of server time. */
  static async of(videoId: bigint, fromMs: number, toMs: number): Promise<Strokes> {
    const base: StateMessage[] = [];
    let pageToken = "";
    let revision: bigint;
    do {
      const answer = await annotations.getDocument({ videoId, at: { case: "timeMs", value: BigInt(fromMs) }, pageToken });
      base.push(...answer.annotations);
      [pageToken, revision] = [answer.nextPageToken, answer.revision];
    } while (pageToken);
    const commits: Commit[] = [];
    do {
      const answer = await annotations.listOperations({ videoId, afterRevision: revision, toMs: BigInt(toMs + 1), pageSize: PAGE, pageToken });
      commits.push(...answer.commits);
      pageToken = answer.nextPageToken;
    } while (pageToken);
    return new Strokes(base, Number(revision), commits);
  }

  /** The next question is answered whatever the last one was. */
  rewind(): void {
    this.at = Number.NEGATIVE_INFINITY;
  }

  /** The notes at a moment; undefined: they are as they were when last asked for. */
  states(ms: number): readonly AnnotationState[] | undefined {
    if (ms < this.at || this.at === Number.NEGATIVE_INFINITY) {
      this.replica.restart(this.base.map((message) => stateFromMessage(message)), this.revision, 1);
      this.next = 0;
    } else if (!this.due(ms)) {
      this.at = ms;
      return undefined;
    }
    this.at = ms;
    for (; this.due(ms); this.next++) this.replica.apply(commitFromMessage(this.commits[this.next] as Commit));
    return [...this.replica.annotations];
  }

  private due(ms: number): boolean {
    const commit = this.commits[this.next];
    return commit !== undefined && Number(commit.timeMs) <= ms;
  }
}
