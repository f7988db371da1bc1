"""What of the past counts as written to MongoDB: only what is on most members."""

from typing import Any

import pytest
from pymongo.errors import BulkWriteError

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState
from svc_annotation.core.row import Change
from svc_annotation.stores.mongo_schema import ANNOTATIONS, CHANGES
from svc_annotation.stores.past_mongo import insert

STATE = AnnotationState(annotation=Annotation(id=bytes(16)), order_revision=1).SerializeToString()
LAGGING = {"code": 64, "errmsg": "waiting for replication timed out"}
DUPLICATE = {"index": 0, "code": 11_000}


class Collection:
    """Takes bulks; the first one fails in a way."""

    def __init__(self, **failure: Any) -> None:
        self.calls = 0
        self._failure = failure

    async def insert_many(self, *_: Any, **__: Any) -> None:
        """A bulk."""
        self.calls += 1
        if self._failure and self.calls == 1:
            raise BulkWriteError({"writeErrors": [], "writeConcernErrors": []} | self._failure)

    bulk_write = insert_many


async def put(changes: Collection, annotations: Collection) -> None:
    database: Any = {CHANGES: changes, ANNOTATIONS: annotations}
    await insert(database, [(1, 1, Change(bytes(16), STATE))])


@pytest.mark.parametrize(
    "failure",
    [
        {"writeConcernErrors": [LAGGING]},
        {"writeErrors": [DUPLICATE], "writeConcernErrors": [LAGGING]},
        {"writeErrors": [DUPLICATE, {"index": 1, "code": 8}]},
    ],
)
async def test_what_is_not_on_most_members_is_not_written(failure: dict[str, Any]) -> None:
    with pytest.raises(BulkWriteError):
        await put(Collection(**failure), Collection())
    with pytest.raises(BulkWriteError):
        await put(Collection(), Collection(**failure))


async def test_what_was_there_already_is_written() -> None:
    annotations = Collection(writeErrors=[DUPLICATE])
    await put(Collection(writeErrors=[DUPLICATE]), annotations)
    assert annotations.calls == 2
