/** How well a call's media arrives, from two looks at a browser's reports (W3C webrtc-stats). Pure. */

export interface Look {
  received: number;
  lost: number;
  /** Samples of sound that were played, and those that were made up for lost ones. */
  samples: number;
  concealed: number;
  tripMs: number | undefined;
}

export interface Quality {
  /** Round trip of media; undefined: not known yet. */
  tripMs: number | undefined;
  /** Share of packets that did not arrive since the last look, in percent. */
  lostPercent: number;
  concealedPercent: number;
}

type Report = Record<string, unknown>;

const count = (report: Report, name: string): number => (typeof report[name] === "number" ? report[name] : 0);

/** What reports say now. */
export function lookAt(reports: Iterable<Report>): Look {
  const look: Look = { received: 0, lost: 0, samples: 0, concealed: 0, tripMs: undefined };
  for (const report of reports) {
    if (report["type"] === "inbound-rtp") {
      look.received += count(report, "packetsReceived");
      look.lost += count(report, "packetsLost");
      look.samples += count(report, "totalSamplesReceived");
      look.concealed += count(report, "concealedSamples");
    } else if (report["type"] === "candidate-pair" && report["nominated"] === true && typeof report["currentRoundTripTime"] === "number") {
      look.tripMs = report["currentRoundTripTime"] * 1000;
    }
  }
  return look;
}

/** How it went between two looks; counts that went back are of another connection. */
export function qualityOf(before: Look | undefined, now: Look): Quality {
  const since = before && now.received >= before.received ? before : { received: 0, lost: 0, samples: 0, concealed: 0 };
  const lost = Math.max(0, now.lost - since.lost);
  return {
    tripMs: now.tripMs,
    lostPercent: percent(lost, now.received - since.received + lost),
    concealedPercent: percent(Math.max(0, now.concealed - since.concealed), now.samples - since.samples),
  };
}

function percent(part: number, whole: number): number {
  return whole > 0 ? Math.min(100, (100 * part) / whole) : 0;
}
