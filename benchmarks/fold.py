"""What the fold costs: CPU of a batch and of an operation, with all that the service makes of the result.

Batches are submitted (checked, put together as records) in groups and met again, as from the log. The fold's clock runs
from a record to the encoded commit, the encoded states and the row of history.
"""

import argparse
import json
import time
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_STROKE, Annotation, Box, Position, Style
from rushes.annotation.v1.operation_pb2 import (
    Batch,
    CreateOperation,
    FieldValue,
    MoveOperation,
    Operation,
    SetFieldsOperation,
)
from rushes.document import Document
from rushes.document.inverse import edit_operation
from rushes.document.submitted import Sender
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from svc_annotation.core.fold import fold
from svc_annotation.core.submission import Head, Underway, submission

ANNOTATIONS = 2_000
CLIENTS = 200
GROUP = 20
"""Batches that are read from the log together."""
POINTS = 24
MEMBER = 0b111110


class Cost(NamedTuple):
    """CPU of one batch."""

    submit_us: float
    read_us: float
    fold_us: float


class Bench:
    """A document that many people work on."""

    def __init__(self) -> None:
        self._random = Random(1)
        self._document = Document(7, 1)
        self._underway = Underway()
        self._ids = [self._random.randbytes(16) for _ in range(ANNOTATIONS)]
        self._clients = [self._random.randbytes(16) for _ in range(CLIENTS)]
        self._numbers = [0] * CLIENTS
        self._turn = 0
        makes: dict[str, Callable[[bytes], Operation]] = {"create": self.create, "move": self.move}
        for make in makes.values():
            for first in range(0, ANNOTATIONS, 20):
                self.take([[make(each) for each in self._ids[first : first + 20]]])

    def take(self, batches: list[list[Operation]]) -> Cost:
        """As many clients send a batch each."""
        sent = [self._batch(operations) for operations in batches]
        times = [time.process_time_ns()]
        submitted = [submission(head, batch, time_ms=self._now_ms, service=False) for head, batch in sent]
        for each in submitted:
            self._underway.put(each)
        times.append(time.process_time_ns())
        records = [self._underway.take(each.payload) for each in submitted]
        times.append(time.process_time_ns())
        folded = [fold(self._document, record, offset) for offset, record in enumerate(records)]
        times.append(time.process_time_ns())
        assert all(each.landed is not None for each in folded), [each.result for each in folded]
        return Cost(*((times[at + 1] - times[at]) / 1000 / len(batches) for at in range(3)))

    @property
    def _now_ms(self) -> int:
        return 1_700_000_000_000 + self._document.ordinal

    def _batch(self, operations: list[Operation]) -> tuple[Head, Batch]:
        """What its record begins with, and the batch as it is received."""
        turn = self._turn = (self._turn + 1) % CLIENTS
        self._numbers[turn] += 1
        batch = Batch(client_seq=self._numbers[turn], base_revision=self._document.revision, operations=operations)
        head = Head.of(
            Sender(
                rules=1,
                epoch=1,
                video_id=7,
                tenant_id="tenant",
                person_id=f"person-{turn}",
                permissions=MEMBER,
                client_id=self._clients[turn],
                frame_count=1000,
            )
        )
        return head, Batch.FromString(batch.SerializeToString())

    def measure(self, kind: str, count: int, rounds: int) -> Cost:
        """Medians of many groups of batches of so many operations, each on another annotation."""
        costs = []
        for _ in range(rounds):
            group = 1 if count > 1 else GROUP
            ids = self._random.sample(self._ids, group * count)
            if kind == "create":
                ids = [self._random.randbytes(16) for _ in ids]
            make: Callable[[bytes], Operation] = getattr(self, kind)
            operations = [make(each) for each in ids]
            costs.append(self.take([operations[at : at + count] for at in range(0, len(ids), count)]))
        return Cost(*(sorted(column)[rounds // 2] for column in zip(*costs, strict=True)))

    def create(self, annotation_id: bytes) -> Operation:
        """A stroke."""
        random = self._random
        annotation = Annotation(
            id=annotation_id,
            kind=ANNOTATION_KIND_STROKE,
            first_frame=100,
            last_frame=100,
            position=self._place(),
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
        revision = self._document.revision
        return Operation(move=MoveOperation(id=annotation_id, to=self._place(), seen_revision=revision))

    def _place(self) -> Position:
        return Position(x=self._random.randint(-20_000, 20_000), y=self._random.randint(-10_000, 10_000))

    def text(self, annotation_id: bytes) -> Operation:
        """A letter typed."""
        state = self._document.get(annotation_id)
        assert state is not None
        length = len(state.annotation.text)
        at = self._random.randint(0, length)
        return edit_operation(annotation_id, [part for part in (at, "x", length - at) if part])

    def color(self, annotation_id: bytes) -> Operation:
        """A field set."""
        value = FieldValue(field="style/color", number=self._random.randrange(1 << 24))
        return Operation(set_fields=SetFieldsOperation(id=annotation_id, fields=[value]))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    rounds: int = parser.parse_args().rounds
    bench = Bench()
    figures: dict[str, float] = {}
    for count in (20, 1):
        for kind in ("move", "create", "text", "color"):
            cost = bench.measure(kind, count, rounds)
            print(
                f"{count:>2} x {kind:<7} fold {cost.fold_us:6.1f} us a batch {cost.fold_us / count:5.1f} an operation"
                f"   submit {cost.submit_us:6.1f} {cost.submit_us / count:5.1f}   read {cost.read_us:5.1f}",
                flush=True,
            )
            figures[f"{kind}_{count}_fold_us"] = round(cost.fold_us, 1)
            figures[f"{kind}_{count}_submit_us"] = round(cost.submit_us, 1)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
