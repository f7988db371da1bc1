"""Writes the vectors that Python and TypeScript both run: `python -m tests.vectors.generate [--check]`.

Everything comes from fixed seeds, so what is committed can be compared with what is generated. Bytes are base64 of
canonical protobuf. See README.md for what each file holds.
"""

import json
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from google.protobuf.message import Message

from rushes.annotation.v1.annotation_service_pb2 import OwnOutcome
from rushes.annotation.v1.record_pb2 import DocumentState, Record
from rushes.document import Applied, Document, Duplicate, Refused, Result, apply, text, view
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from tests.unit.rushes.builder import VIDEO
from tests.unit.rushes.cases import cases
from tests.unit.rushes.simulation import World
from tests.vectors.recording import record_pending

FOLDER = Path(__file__).parent
LETTERS = "abcdefxyzäß漢字🎬👍\n "

Json = dict[str, Any]


def encode(message: Message | bytes) -> str:
    """Base64 of canonical bytes."""
    data = message if isinstance(message, bytes) else message.SerializeToString(deterministic=True)
    return b64encode(data).decode()


def digest(data: bytes) -> str:
    """Enough of SHA-256 to tell states apart, in hexadecimal."""
    return sha256(data).hexdigest()[:16]


def random_text(random: Random) -> str:
    """Some letters of one to four bytes."""
    return "".join(random.choice(LETTERS) for _ in range(random.randrange(12)))


def random_edit(random: Random, before: str) -> text.Edit:
    """A canonical edit of a text."""
    edit: text.Edit = []
    left = len(before)
    while left:
        count = random.randint(1, left)
        text.add(edit, random.choice(("", "", random_text(random)[:3])))
        text.add(edit, random.choice((count, -count)))
        left -= count
    text.add(edit, random.choice(("", random_text(random)[:3])))
    return edit


def text_vectors() -> Json:
    """Of text edits."""
    random = Random(1)
    vectors: Json = {"apply": [], "invert": [], "transform": [], "compose": [], "diff": [], "split": []}
    for _ in range(150):
        before, other = random_text(random), random_text(random)
        landed, later = random_edit(random, before), random_edit(random, before)
        after = text.apply(before, landed)
        then = random_edit(random, after)
        moved = text.transform(landed, later)
        vectors["apply"].append({"text": before, "edit": landed, "after": after})
        vectors["invert"].append({"text": before, "edit": landed, "inverse": text.invert(landed, before)})
        vectors["transform"].append({"landed": landed, "later": later, "landedMoved": moved[0], "laterMoved": moved[1]})
        vectors["compose"].append({"first": landed, "second": then, "both": text.compose(landed, then)})
        vectors["diff"].append({"before": before, "after": other, "edit": text.diff(before, other)})
        vectors["split"].append({"edit": landed, "bytes": 5, "parts": 4, "edits": text.split(landed, 5, 4)})
    vectors["mismatch"] = [{"text": "abc", "edit": edit} for edit in ([2], [4], [3, -1], [], ["x"], [-4])]
    return vectors


def result_of(result: Result, document: Document) -> Json:
    """What became of a record, and the digest of the state after it."""
    entry: Json = {"state": digest(document.to_bytes()), "revision": document.revision, "ordinal": document.ordinal}
    if isinstance(result, Applied):
        shown = view(result, AUDIENCE_CLIENT)
        own = OwnOutcome(outcome=result.outcome, before=result.before, edits=result.edits)
        entry |= {
            "kind": "applied",
            "own": encode(own),
            "commit": encode(result.commit),
            "client": "same" if shown is result.commit else encode(shown) if shown is not None else None,
            "published": [each.hex() for each in result.published],
        }
    elif isinstance(result, Refused):
        entry |= {"kind": "refused", "outcome": encode(result.outcome)}
    elif isinstance(result, Duplicate):
        entry |= {"kind": "duplicate", "outcome": encode(result.outcome), "same": result.same}
    else:
        entry |= {"kind": "ignored", "reason": result.refusal.reason if result.refusal else None}
    return entry


def fold_vector(name: str, epoch: int, start: bytes, records: list[Record]) -> Json:
    """Records on a state, what becomes of each, and the state they end in."""
    document = Document.from_state(DocumentState.FromString(start), epoch)
    steps = []
    for record in records:
        # As it comes from the log: applying discards what it does not know.
        sent = encode(record)
        steps.append({"record": sent, **result_of(apply(document, record), document)})
    return {
        "name": name,
        "epoch": epoch,
        "start": encode(start),
        "steps": steps,
        "end": encode(document.to_bytes()),
    }


def apply_vectors() -> list[Json]:
    """Each case by itself, its last record on the state before; then whole logs of worlds with faults."""
    vectors = []
    for case in cases():
        document = Document(VIDEO, 1)
        copies = [Record.FromString(record.SerializeToString()) for record in case.records]
        for record in copies[:-1]:
            apply(document, record)
        vectors.append(fold_vector(case.name, 1, document.to_bytes(), copies[-1:]))
    for seed in range(4):
        world = World(seed, faults=False)
        for _ in range(260):
            world.step()
        world.settle()
        log = [Record.FromString(record.SerializeToString()) for record in world.server.log]
        vectors.append(fold_vector(f"world {seed}", 1, Document(VIDEO, 1).to_bytes(), log))
    return vectors


def files() -> dict[str, str]:
    """Name -> content of every file."""
    made: dict[str, Any] = {
        "text.json": text_vectors(),
        "apply.json": apply_vectors(),
        "pending.json": [record_pending(seed) for seed in (*range(8), 31)],
    }
    return {
        name: json.dumps(content, ensure_ascii=False, indent=None, separators=(",", ":")).replace("},{", "},\n{") + "\n"
        for name, content in made.items()
    }


def main() -> int:
    """Writes the files, or says which differ."""
    made = files()
    if "--check" in sys.argv:
        differ = [name for name, content in made.items() if (FOLDER / name).read_text("utf-8") != content]
        sys.stdout.write("".join(f"{name} differs from what is generated\n" for name in differ))
        return 1 if differ else 0
    for name, content in made.items():
        (FOLDER / name).write_text(content, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
