"""svc_version, and svc_annotation, killed in the middle: a roll-back is finished, once, and no version is lost."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from benchmarks.stack import Stack, StackError, running
from benchmarks.studio import VERSION, Studio
from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.annotation.v1 import annotation_service_pb2 as annotation
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from rushes.version.v1 import version_pb2
from rushes.version.v1 import version_service_pb2 as version
from tests.clips import footage
from tests.e2e.page import ANNOTATION
from tests.product import FAST_HASHES

WRITER = b"who wrote them.."
BATCHES = 110
PATIENCE_S = 40.0
TRIES = 20


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    """A product of its own, since its services die."""
    with running(None, **FAST_HASHES) as stack:
        yield Studio(stack)


def _comments(number: int) -> list[operation_pb2.Operation]:
    return [
        operation_pb2.Operation(
            create=operation_pb2.CreateOperation(
                annotation=annotation_pb2.Annotation(
                    id=number.to_bytes(8, "big") + each.to_bytes(8, "big"),
                    kind=annotation_pb2.ANNOTATION_KIND_COMMENT,
                    text=f"note {number}.{each}",
                    audience=AUDIENCE_CLIENT,
                )
            )
        )
        for each in range(20)
    ]


def _fill(studio: Studio, video_id: int) -> None:
    for number in range(1, BATCHES + 1):
        batch = operation_pb2.Batch(client_seq=number, base_revision=number - 1, operations=_comments(number))
        request = annotation.CreateBatchAnnotationsRequest(video_id=video_id, client_id=WRITER, batch=batch)
        for _ in range(TRIES):
            with contextlib.suppress(StackError):
                studio.stack.rpc(ANNOTATION, "CreateBatchAnnotations", request, studio.secret)
                break
            time.sleep(0.1)  # more a second than a person may send


def _ask(stack: Stack, request: version.RollbackVersionRequest, secret: str) -> version_pb2.Rollback:
    """Asks until it is answered that it is done: the same request, however often."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(StackError):
            rollback: version_pb2.Rollback = stack.rpc(VERSION, "RollbackVersion", request, secret).rollback
            if rollback.state != version_pb2.ROLLBACK_STATE_RUNNING:
                return rollback
        time.sleep(0.05)
    raise AssertionError("it was not done in time")


@pytest.mark.parametrize("victim", ["svc_version", "svc_annotation"])
def test_killed_in_the_middle_of_a_roll_back_it_is_written_whole_and_once(studio: Studio, victim: str) -> None:
    stack = studio.stack
    video_id = studio.video(footage()).video_id
    _fill(studio, video_id)
    commit = version.CommitVersionRequest(video_id=video_id, message="all of it")
    saved = stack.rpc(VERSION, "CommitVersion", commit, studio.secret).version
    target = version.RollbackTarget(revision=0)
    back = version.RollbackVersionRequest(video_id=video_id, target=target, request_id=f"back {victim}")
    pid = stack.kill_service(victim)
    with contextlib.suppress(StackError):
        stack.rpc(VERSION, "RollbackVersion", back, studio.secret)
    stack.wait_restarted(victim, pid)
    with contextlib.suppress(StackError):
        # Once more, now that it may have begun.
        pid = stack.kill_service(victim)
        stack.rpc(VERSION, "RollbackVersion", back, studio.secret)
    stack.wait_restarted(victim, pid)
    done = _ask(stack, back, studio.secret)
    assert done.state == version_pb2.ROLLBACK_STATE_DONE
    assert (done.operation_count, done.done_count) == (BATCHES * 20, done.batch_count)
    assert done.last_revision == BATCHES + done.batch_count
    listed = stack.rpc(
        ANNOTATION, "ListAnnotations", annotation.ListAnnotationsRequest(video_id=video_id), studio.secret
    )
    assert not listed.annotations
    assert listed.revision == done.last_revision
    document = version.GetVersionDocumentRequest(video_id=video_id, version_id=saved.version_id)
    assert stack.rpc(VERSION, "GetVersionDocument", document, studio.secret).annotations
    versions = stack.rpc(
        VERSION, "ListVersions", version.ListVersionsRequest(video_id=video_id), studio.secret
    ).versions
    assert [each.kind for each in versions] == [version_pb2.VERSION_KIND_ROLLBACK, version_pb2.VERSION_KIND_COMMIT]
