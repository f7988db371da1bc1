/** Whether anything arrives on a connection: when its network is another one, a browser takes long to give it up by itself. Pure but for the wait. */

type Report = Record<string, unknown>;

/** All that came on a connection so far, by its reports: media, and answers to its checks. */
export function arrived(reports: Iterable<Report>): number {
  let sum = 0;
  for (const report of reports) {
    if (report["type"] !== "candidate-pair") continue;
    for (const name of ["bytesReceived", "responsesReceived", "requestsReceived"]) {
      if (typeof report[name] === "number") sum += report[name];
    }
  }
  return sum;
}

/** A connection that brings anything says something each second; one that brings nothing may be made anew, and nobody sees it. */
const ALIVE_MS = 1500;

async function reports(connection: RTCPeerConnection): Promise<Report[]> {
  const found: Report[] = [];
  (await connection.getStats()).forEach((report: Report) => found.push(report));
  return found;
}

/** Whether something comes on a connection within a while. */
export async function alive(connection: RTCPeerConnection): Promise<boolean> {
  const before = arrived(await reports(connection));
  await new Promise((done) => setTimeout(done, ALIVE_MS));
  return arrived(await reports(connection)) > before;
}
