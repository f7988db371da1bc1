"""What the fold costs: CPU a batch and an operation, with all that the service makes of the result.

Each batch is checked, appended (as bytes) and read back as in svc_annotation; the clock runs from the parsed record to
the encoded commit, the encoded states and the row of history. `check` is what is done before the append.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from random import Random

from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_STROKE, Annotation, Box, Position, Style
from rushes.annotation.v1.operation_pb2 import Batch, CreateOperation, FieldValue, MoveOperation, Operation
from rushes.annotation.v1.operation_pb2 import SetFieldsOperation
from rushes.annotation.v1.record_pb2 import Record
from rushes.document import Document
from rushes.document.inverse import edit_operation
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from svc_annotation.core.fold import fold
from svc_annotation.core.submission import submission

ANNOTATIONS = 2_000
CLIENTS = 200
POINTS = 24
ALL_RIGHTS = 0b111110

Make = Callable[[int], Operation]
"""An operation on the n-th annotation of the document, or a new one."""


class Bench:
    """A document that many people have worked on, and what the next batch costs on it."""

    def __init__(self) -> None:
        self.random = Random(1)
        self.document = Document(7, 1)
        self.ids = [self.random.randbytes(16) for _ in range(ANNOTATIONS)]
        self._numbers = [0] * CLIENTS
        self._clients = [self.random.randbytes(16) for _ in range(CLIENTS)]
        self._turn = 0
        for first in range(0, ANNOTATIONS, 20):
            self.take([self.create(each) for each in self.ids[first : first + 20]])
        for first in range(0, ANNOTATIONS, 20):
            self.take([self.move(each) for each in self.ids[first : first + 20]])

    def take(self, operations: list[Operation]) -> tuple[float, float]:
        """The next client sends a batch: CPU seconds of checking and of folding it."""
        self._turn = (self._turn + 1) % CLIENTS
        self._numbers[self._turn] += 1
        batch = Batch(
            client_seq=self._numbers[self._turn], base_revision=self.document.revision, operations=operations
        )
        received = Batch.FromString(batch.SerializeToString())
        head = Record(
            rules=1,
            epoch=1,
            video_id=7,
            tenant_id="tenant",
            person_id=f"person-{self._turn}",
            permissions=ALL_RIGHTS,
            client_id=self._clients[self._turn],
            time_ms=1_700_000_000_000 + self.document.ordinal,
            frame_count=1000,
        )
        began = time.process_time_ns()
        payload = submission(self.document, head, received, service=False)
        checked = time.process_time_ns()
        record = Record.FromString(payload)
        parsed = time.process_time_ns()
        folded = fold(self.document, record, self.document.ordinal)
        done = time.process_time_ns()
        assert folded.landed is not None, folded.result
        return (checked - began) / 1e9, (done - parsed) / 1e9

    def create(self, annotation_id: bytes) -> Operation:
        """A stroke."""
        random = self.random
        annotation = Annotation(
            id=annotation_id,
            kind=ANNOTATION_KIND_STROKE,
            first_frame=100,
            last_frame=100,
            position=Position(x=random.randint(-20_000, 20_000), y=random.randint(-10_000, 10_000)),
            box=Box(left=-500, top=-400, right=500, bottom=400),
            points=[random.randint(-60, 60) for _ in range(2 * POINTS)],
            pressure=random.randbytes(POINTS),
            style=Style(color=0xFF0000, opacity=255, width=60),
            text="a note",
            audience=AUDIENCE_CLIENT,
        )
        return Operation(create=CreateOperation(annotation=annotation))

    def move(self, annotation_id: bytes) -> Operation:
        """To somewhere else."""
        to = Position(x=self.random.randint(-20_000, 20_000), y=self.random.randint(-10_000, 10_000))
        return Operation(move=MoveOperation(id=annotation_id, to=to, seen_revision=self.document.revision))

    def text(self, annotation_id: bytes) -> Operation:
        """A letter typed into a text."""
        state = self.document.get(annotation_id)
        length = len(state.annotation.text) if state is not None else 0
        at = self.random.randint(0, length)
        return edit_operation(annotation_id, [part for part in (at, "x", length - at) if part])

    def color(self, annotation_id: bytes) -> Operation:
        """A colour."""
        value = FieldValue(field="style/color", number=self.random.randrange(1 << 24))
        return Operation(set_fields=SetFieldsOperation(id=annotation_id, fields=[value]))

    def batches(self, kind: str, count: int) -> Iterator[list[Operation]]:
        """Batches of so many operations of a kind, for ever."""
        make: Callable[[bytes], Operation] = getattr(self, kind)
        while True:
            if kind == "create":
                yield [make(self.random.randbytes(16)) for _ in range(count)]
            else:
                yield [make(each) for each in self.random.sample(self.ids, count)]


def measure(bench: Bench, kind: str, count: int, rounds: int) -> tuple[float, float]:
    """Microseconds of checking and of folding one batch: medians, since machines are noisy."""
    batches = bench.batches(kind, count)
    costs = [bench.take(next(batches)) for _ in range(rounds)]
    check, folding = (sorted(each)[rounds // 2] * 1e6 for each in zip(*costs, strict=True))
    return check, folding


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=400)
    rounds: int = parser.parse_args().rounds
    bench = Bench()
    figures: dict[str, float] = {}
    for count in (20, 1):
        for kind in ("move", "create", "text", "color"):
            check, folding = measure(bench, kind, count, rounds)
            print(
                f"{count:>3} x {kind:<7} fold {folding:6.1f} us a batch {folding / count:6.2f} an operation"
                f"   check {check:6.1f} us a batch {check / count:6.2f} an operation",
                flush=True,
            )
            figures[f"{kind}_{count}_us"] = round(folding, 1)
            figures[f"{kind}_{count}_check_us"] = round(check, 1)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
