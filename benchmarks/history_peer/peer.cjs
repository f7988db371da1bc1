// ShareDB with the same work: so many operations on so many notes, then the document at random versions by fetchSnapshot.
// Everything is in memory, in one process, without a wire. Its operations and milestones are put where it keeps them,
// since writing them through it copies the whole document each time. Arguments: operations, notes, reads.
// Prints one JSON object: with milestones as it makes them (one each 1,000 operations), and as it comes, without.
const ShareDB = require("sharedb");
const MilestoneDB = require("sharedb/lib/milestone-db");

const [operations, notes, reads] = process.argv.slice(2).map(Number);
const INTERVAL = 1000;
const KEPT = 40; // milestones at hand, as text, spread over the whole: what is read lies just behind one of them

class Milestones extends MilestoneDB {
  kept = new Map();
  getMilestoneSnapshot(collection, id, version, callback) {
    const at = Math.floor(version / INTERVAL) * INTERVAL;
    const text = this.kept.get(at);
    process.nextTick(callback, null, text === undefined ? undefined : new ShareDB.Snapshot(id, at, ShareDB.types.defaultType.uri, JSON.parse(text), null));
  }
}
ShareDB.Snapshot ??= require("sharedb/lib/snapshot");

let seed = 1;
const random = (below) => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed % below;
};
const points = Array.from({ length: 48 }, (_, at) => (at * 37) % 61);
const type = ShareDB.types.defaultType;
const milestones = new Milestones();
const log = [{ v: 0, src: "a", seq: 1, create: { type: type.uri, data: {} }, m: { ts: 1 } }];
const data = {};
const every = Math.max(1, Math.floor(operations / INTERVAL / KEPT)) * INTERVAL;
for (let count = 0; count < operations; count++) {
  const version = count + 1;
  if (version % every === 0) milestones.kept.set(version, JSON.stringify(data));
  const id = `n${count < notes ? count : random(notes)}`;
  let op;
  if (count < notes) {
    const note = { kind: 1, frame: random(250), x: 0, y: 0, color: 0xff8800, points, text: "a note" };
    op = { p: [id], oi: note };
    data[id] = { ...note };
  } else {
    op = { p: [id, "x"], od: data[id].x, oi: random(20000) };
    data[id].x = op.oi;
  }
  log.push({ v: version, src: "a", seq: version + 1, op: [op], m: { ts: 1 } });
}

function backend(milestoneDb) {
  const made = new ShareDB(milestoneDb ? { milestoneDb } : {});
  made.db.ops.video = { 1: log };
  return made.connect();
}

async function measure(connection, versions) {
  const times = [];
  for (const version of versions) {
    const began = process.hrtime.bigint();
    const snapshot = await new Promise((resolve, reject) =>
      connection.fetchSnapshot("video", "1", version, (error, value) => (error ? reject(error) : resolve(value))),
    );
    if (Object.keys(snapshot.data).length === 0) throw new Error("nothing there");
    times.push(Number(process.hrtime.bigint() - began) / 1e6);
  }
  times.sort((a, b) => a - b);
  return { p50_ms: times[times.length >> 1], p99_ms: times[Math.min(times.length - 1, Math.floor(times.length * 0.99))] };
}

async function main() {
  const at = [...milestones.kept.keys()];
  const near = Array.from({ length: reads }, () => at[random(at.length)] + random(INTERVAL - 1));
  const anywhere = Array.from({ length: Math.min(reads, 10) }, () => 1 + random(operations));
  const figures = { milestones: await measure(backend(milestones), near), replay: await measure(backend(), anywhere) };
  console.log(JSON.stringify(figures));
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
