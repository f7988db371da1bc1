/** The STUN and TURN servers of a project's rooms, asked for again before their credentials end. */
import { rooms } from "./begin";

const EARLY_MS = 60_000;

export class IceServers {
  private known: RTCIceServer[] | undefined;
  private untilMs = 0;

  constructor(private readonly project: bigint) {}

  /** Those that are good now; none where they cannot be had: there may be a direct way. */
  async get(): Promise<RTCIceServer[]> {
    if (this.known && (this.untilMs === 0 || Date.now() < this.untilMs - EARLY_MS)) return this.known;
    try {
      const { iceServers, expiresMs } = await rooms.getIceServers({ projectId: this.project });
      this.known = iceServers.map(({ urls, username, credential }) => ({ urls, ...(username ? { username, credential } : {}) }));
      this.untilMs = Number(expiresMs);
    } catch {
      return this.known ?? [];
    }
    return this.known;
  }
}
