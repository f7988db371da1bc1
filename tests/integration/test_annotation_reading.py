"""Reading beside sessions: what followers, lists and history give, and to whom."""

from pathlib import Path
from typing import Any

import grpc
import pytest

from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.annotation.v1 import annotation_service_pb2 as service
from tests.integration.annotation_notes import batch, create, identity_of, move, publish
from tests.integration.annotation_server import GUEST, INTERNAL, serving
from tests.waiting import until


async def test_what_was_internal_stays_hidden_in_history(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann")
        await ann.submit(create("secret", audience=INTERNAL, text="canary"))
        await ann.submit(create("open", text="for all"), move("secret", 3, 3, 0), base=0)
        await ann.submit(publish("secret"), base=2)
        await ann.landed()
    async with serving(tmp_path) as place:
        place.people.grant("guest", GUEST)
        request = service.ListOperationsRequest(video_id=1)
        answer = await place.stub.ListOperations(request, metadata=place.as_person("guest"))
        assert [commit.revision for commit in answer.commits] == [2, 3]
        assert answer.revision == 3
        guest = await place.session("guest", resume_revision=0, epoch=1, delivery=service.DELIVERY_FULL)
        await until(lambda: guest.revision == 3)
        assert [message.WhichOneof("message") for message in guest.received[1:3]] == ["progress_revision", "committed"]
        before = b"".join(commit.SerializeToString() for commit in guest.commits if commit.revision < 3)
        assert b"canary" not in before + answer.commits[0].SerializeToString()
        assert identity_of("secret") not in before
        assert b"canary" in guest.commits[-1].SerializeToString()


async def test_a_follower_receives_what_a_session_would(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        await place.submit("ann", batch(1, 0, create("one")))
        call: Any = place.stub.Follow(service.FollowRequest(video_id=1), metadata=place.as_person("bob"))
        messages = [(await call.read()).message for _ in range(2)]
        assert [message.WhichOneof("message") for message in messages] == ["opened", "snapshot_part"]
        await place.submit("ann", batch(2, 0, create("two")))
        committed = service.CollaborateResponse()
        while committed.WhichOneof("message") != "committed":
            committed = (await call.read()).message
        assert committed.committed.commits[0].revision == 2
        call.cancel()
        resumed = service.FollowRequest(video_id=1, resume_revision=1, epoch=1, delivery=service.DELIVERY_FULL)
        again: Any = place.stub.Follow(resumed, metadata=place.as_person("bob"))
        messages = [(await again.read()).message for _ in range(2)]
        assert [message.WhichOneof("message") for message in messages] == ["opened", "committed"]
        again.cancel()
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await place.stub.Follow(service.FollowRequest(video_id=999), metadata=place.as_person("bob")).read()
        assert failure.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_follower_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        # Kept: a call that nobody holds any more is cancelled.
        lazy = place.stub.Follow(service.FollowRequest(video_id=1), metadata=place.as_person("lazy"))
        await lazy.wait_for_connection()
        ann = await place.session("ann")
        for number in range(60):
            await ann.submit(create(str(number), text="x" * 4_000), base=0)
        await until(lambda: ann.revision == 60)
        assert not lazy.done()
        lazy.cancel()


async def test_lists_are_filtered_and_paged(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        for number in range(1, 31):
            await place.submit("ann", batch(number, 0, create(f"{number}", frame=number)))
        await place.submit("bob", batch(1, 0, create("bob", frame=5)))

        async def listed(**asked: Any) -> list[int]:
            frames: list[int] = []
            token = ""
            while True:
                request = service.ListAnnotationsRequest(video_id=1, **{"page_token": token, **asked})
                answer = await place.stub.ListAnnotations(request, metadata=place.as_person("ann"))
                frames += [annotation.first_frame for annotation in answer.annotations]
                token = answer.next_page_token
                if not token:
                    return frames

        assert await listed(page_size=7) == sorted([*range(1, 31), 5])
        assert await listed(author_id="bob") == [5]
        assert await listed(frames=operation_pb2.FrameRange(first=3, last=6), page_size=2) == [3, 4, 5, 5, 6]
        assert await listed(kinds=[annotation_pb2.ANNOTATION_KIND_RECT]) == []
        assert await listed(resolved=True) == []
        assert len(await listed(resolved=False)) == 31
        for wrong in ({"page_size": -1}, {"page_token": "!!"}, {"page_token": "b3BlcmF0aW9u"}):
            with pytest.raises(grpc.aio.AioRpcError) as failure:
                await listed(**wrong)
            assert failure.value.code() == grpc.StatusCode.INVALID_ARGUMENT
