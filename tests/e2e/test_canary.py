"""One internal note with words that are nowhere else: a guest reads through every exit, and never meets them."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

import rushes
from gateway.core import grpcweb
from gateway.route import COLLABORATE
from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.errors import RushesError
from rushes.project.v1.access_service_pb2 import GrantRequest
from rushes.project.v1.access_service_pb2_grpc import AccessServiceStub
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL, AUDIENCE_UNSPECIFIED, Audience
from tests.e2e.doors import native, request
from tests.product import Product
from tests.waiting import until
from tests.web_client import Browser, Call

CANARY = "zwitscher-47-kanarienvogel"
MARK = "everybody may read this"
DRAWN = "drawn for everybody"
A = "/rushes.annotation.v1.AnnotationService/"
WHOLE = {"frames.last": 1_000}
UNARY: tuple[tuple[str, dict[str, Any]], ...] = (
    (A + "GetDocument", {}),
    (A + "GetDocument", {"time_ms": 1 << 50}),
    (A + "GetDocument", {**WHOLE, "time_ms": 1 << 50}),
    (A + "ReadDocument", {}),
    (A + "ReadDocument", {"time_ms": 1 << 50}),
    (A + "ReadDocument", {**WHOLE, "time_ms": 1 << 50}),
    (A + "ListAnnotations", {"show_deleted": True}),
    (A + "ListAnnotations", {"show_deleted": True, "query": CANARY}),
    (A + "ListOperations", {}),
    (A + "ListOperations", {"newest_first": True, **WHOLE}),
    (A + "ListChanges", {}),
    (A + "ListChanges", WHOLE),
)
FOLLOW = A + "Follow"
DELIVERIES = (service.DELIVERY_FULL, service.DELIVERY_MERGED, service.DELIVERY_AUTO)
AUDIENCES = (AUDIENCE_UNSPECIFIED, AUDIENCE_INTERNAL, AUDIENCE_CLIENT)


@pytest.fixture(scope="module")
def guest(product: Product) -> str:
    """Session of somebody who sees only what is for clients."""
    return product.person("guest")


@pytest.fixture(scope="module")
def video_id(product: Product) -> int:
    """A clip of its own, so that nobody else writes on it."""
    return product.fresh_video()


@pytest.fixture
async def owner(product: Product, video_id: int) -> AsyncIterator[rushes.Session]:
    """Somebody who reads and writes everything, at work on the clip."""
    async with (
        rushes.connect(product.address, session=product.secret) as client,
        client.collaborate(video_id) as opened,
    ):
        yield opened


def holds(data: bytes) -> bool:
    """Whether the words are in bytes."""
    return CANARY.encode() in data


async def internal_note(owner: rushes.Session) -> bytes:
    """An internal note with the words in its text, a reply, a tag, a title and a link."""
    note = await owner.comment(10, CANARY, audience=AUDIENCE_INTERNAL)
    await owner.comment(10, f"Re: {CANARY}", parent_id=note, audience=AUDIENCE_INTERNAL)
    attachment = annotation_pb2.Attachment(id="a1", link=f"https://example.com/{CANARY}", title=CANARY)
    tag = operation_pb2.FieldValue(field=f"tags/{CANARY}", flag=True)
    linked = operation_pb2.FieldValue(field="attachments/a1", attachment=attachment)
    fields = operation_pb2.SetFieldsOperation(id=note, fields=[tag, linked])
    await owner.submit([operation_pb2.Operation(set_fields=fields)])
    return note


async def mark(owner: rushes.Session) -> None:
    """Something that everybody sees: whoever has got it has got all that came before it."""
    await owner.comment(11, MARK)


def marks(data: bytes) -> int:
    """How many marks are in bytes."""
    return data.count(MARK.encode())


# -- exits --------------------------------------------------------------------------------------------------------


async def read_unary(product: Product, guest: str, video_id: int) -> dict[str, bytes]:
    """Every list and document, through both doors, with each audience that may be asked for."""
    read: dict[str, bytes] = {}
    async with (
        Browser(product.address, guest) as browser,
        grpc.aio.insecure_channel(f"{product.host}:{product.port}") as channel,
    ):
        token = product.token(guest)
        for path, more in UNARY:
            for audience in AUDIENCES:
                message = request(path, {"video_id": video_id, "audience": audience, **more})
                answer = await browser.rpc(path, message)
                read[f"gRPC-Web {path} {more} {audience}"] = b"".join(answer.messages)
                _, _, payload = await native(channel, path, message, token)
                read[f"native {path} {more} {audience}"] = payload
    return read


async def export(product: Product, guest: str, video_id: int, folder: Path) -> dict[str, bytes]:
    """What `rushes export` writes for the guest."""
    (folder / "rushes").mkdir(exist_ok=True)
    (folder / "rushes" / "sessions.json").write_text(json.dumps({product.address: guest}))
    environ = {**os.environ, "XDG_CONFIG_HOME": str(folder), "RUSHES_SERVER": product.address}
    read = {}
    for format_ in ("json", "csv"):
        command = (sys.executable, "-m", "rushes.cli", "export", str(video_id), "--format", format_)
        process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
        read[f"export {format_}"] = (await process.communicate())[0]
        assert process.returncode == 0
    return read


class Ear:
    """Keeps everything that a stream brings."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heard = bytearray()
        self.task: asyncio.Task[None] | None = None

    def listen(self, stream: AsyncIterator[bytes]) -> None:
        """Until cancelled."""

        async def run() -> None:
            async for data in stream:
                self.heard += data

        self.task = asyncio.create_task(run())


async def socket_bytes(call: Call) -> AsyncIterator[bytes]:
    """Messages of a WebSocket."""
    while (payload := await call.receive()) is not None:
        yield payload


async def native_bytes(call: Any) -> AsyncIterator[bytes]:
    """Messages of a native stream."""
    while (payload := await call.read()) is not grpc.aio.EOF:
        yield payload


async def frame_bytes(frames: AsyncIterator[tuple[int, bytes]]) -> AsyncIterator[bytes]:
    """Messages of a gRPC-Web stream."""
    async for flag, payload in frames:
        assert flag == grpcweb.DATA
        yield payload


@contextlib.asynccontextmanager
async def listening(product: Product, guest: str, video_id: int) -> AsyncIterator[list[Ear]]:
    """The guest at every stream there is, in each way it can be asked for."""
    ears: list[Ear] = []
    async with contextlib.AsyncExitStack() as stack:
        browser = await stack.enter_async_context(Browser(product.address, guest))
        channel: Any = await stack.enter_async_context(grpc.aio.insecure_channel(f"{product.host}:{product.port}"))
        signed = (("authorization", f"Bearer {product.token(guest)}"),)
        for delivery in DELIVERIES:
            for audience in AUDIENCES:
                what = {"video_id": video_id, "delivery": delivery, "audience": audience}
                how = f"{service.Delivery.Name(delivery)} {audience}"
                call = await browser.connect()
                stack.push_async_callback(call.close)
                await call.open(**what)
                ears.append(Ear(f"WebSocket {how}"))
                ears[-1].listen(socket_bytes(call))
                opening = service.CollaborateRequest(open=service.CollaborateOpen(**what))  # type: ignore[arg-type]
                stream = channel.stream_stream(COLLABORATE)(metadata=signed)
                await stream.write(opening.SerializeToString())
                ears.append(Ear(f"native Collaborate {how}"))
                ears[-1].listen(native_bytes(stream))
                asked = service.FollowRequest(**what)  # type: ignore[arg-type]
                stream = channel.unary_stream(FOLLOW)(asked.SerializeToString(), metadata=signed)
                ears.append(Ear(f"native Follow {how}"))
                ears[-1].listen(native_bytes(stream))
        ears.append(Ear("gRPC-Web Follow"))
        ears[-1].listen(frame_bytes(browser.stream(FOLLOW, service.FollowRequest(video_id=video_id))))
        try:
            yield ears
        finally:
            for ear in ears:
                assert ear.task is not None
                ear.task.cancel()
            await asyncio.gather(*(ear.task for ear in ears if ear.task is not None), return_exceptions=True)


async def all_hear_marks(ears: list[Ear], count: int) -> None:
    """Waits until every stream has brought so many marks; those that were refused excepted."""

    def deaf() -> list[str]:
        return [ear.name for ear in ears if marks(bytes(ear.heard)) < count and not (ear.task and ear.task.done())]

    await until(lambda: not deaf(), f"mark {count} at every exit")


# -- the tests ----------------------------------------------------------------------------------------------------


async def test_a_guest_meets_no_internal_note_at_any_exit_until_it_is_published(
    product: Product, guest: str, video_id: int, owner: rushes.Session, tmp_path: Path
) -> None:
    async with listening(product, guest, video_id) as early:
        note = await internal_note(owner)
        owner.show(drawing(CANARY, AUDIENCE_INTERNAL))
        await owner.edit_text(note, f"{CANARY}, edited")
        await owner.resolve(note)
        await owner.delete(note)
        await owner.undo()
        owner.show(drawing(DRAWN, AUDIENCE_CLIENT))
        sockets = [ear for ear in early if "WebSocket" in ear.name and not (ear.task and ear.task.done())]
        await until(lambda: all(DRAWN.encode() in ear.heard for ear in sockets), "what is drawn for all being seen")
        await mark(owner)
        await all_hear_marks(early, 1)
        async with listening(product, guest, video_id) as late:
            await all_hear_marks(late, 1)
            read = await read_unary(product, guest, video_id) | await export(product, guest, video_id, tmp_path)
            assert [name for name, data in read.items() if holds(data)] == []
            assert [ear.name for ear in (*early, *late) if holds(bytes(ear.heard))] == []
            heard = [ear for ear in (*early, *late) if marks(bytes(ear.heard))]
            assert len(heard) >= 2 * len(DELIVERIES) * 2, "those who listen do hear"
            assert all(marks(data) for name, data in read.items() if "export" in name)

            await publish(owner, note)
            await mark(owner)
            await all_hear_marks(early, 2)
            await all_hear_marks(late, 2)
            assert [ear.name for ear in heard if not holds(bytes(ear.heard))] == []
    read = await read_unary(product, guest, video_id) | await export(product, guest, video_id, tmp_path)
    assert [name for name, data in read.items() if marks(data) and not holds(data)] == []


def drawing(text: str, audience: "Audience.ValueType") -> service.PresenceState:
    """A text that is being written, before it is saved."""
    transient = annotation_pb2.Annotation(
        id=os.urandom(16), kind=annotation_pb2.ANNOTATION_KIND_TEXT, text=text, audience=audience
    )
    return service.PresenceState(frame=10, audience=audience, transient=[transient])


async def publish(owner: rushes.Session, note: bytes) -> None:
    """The note is for clients too from now on."""
    value = operation_pb2.FieldValue(field="audience", audience=AUDIENCE_CLIENT)
    fields = operation_pb2.SetFieldsOperation(id=note, fields=[value])
    await owner.submit([operation_pb2.Operation(set_fields=fields)])


async def test_a_guest_can_neither_write_nor_touch_an_internal_note(
    product: Product, guest: str, owner: rushes.Session
) -> None:
    note = await owner.comment(20, CANARY, audience=AUDIENCE_INTERNAL)
    async with (
        rushes.connect(product.address, session=guest) as client,
        client.collaborate(owner.video_id) as session,
    ):
        with pytest.raises(RushesError) as caught:
            await session.comment(20, "not for me to write", audience=AUDIENCE_INTERNAL)
        assert "MAY_NOT_WRITE_INTERNAL" in str(caught.value.metadata)
        for attempt in (session.resolve(note), session.delete(note), session.move(note, 1, 1), publish(session, note)):
            with pytest.raises(RushesError) as caught:
                await attempt
            assert "NOT_FOUND" in str(caught.value.metadata), "nobody says that there is such a note"
        with pytest.raises(RushesError):
            await session.comment(20, "a reply", parent_id=note)
    state = owner.get(note)
    assert state is not None
    assert not state.annotation.resolved


async def test_who_loses_the_right_to_internal_notes_loses_them_on_the_open_stream(
    product: Product, owner: rushes.Session
) -> None:
    secret = product.studio.people(1, "reviewer")[0]
    note = await owner.comment(30, CANARY, audience=AUDIENCE_INTERNAL)
    async with (
        rushes.connect(product.address, session=secret) as client,
        client.collaborate(owner.video_id) as session,
    ):
        await until(lambda: session.get(note) is not None, "the reviewer's seeing it")
        me = await client.me()
        await _grant(product, me.person_id, "guest")
        await until(lambda: session.get(note) is None, "the note's going away")
        again = await owner.comment(31, CANARY, audience=AUDIENCE_INTERNAL)
        await mark(owner)
        last = owner.revision
        await until(lambda: session.revision >= last, "the guest's being up to date")
        assert session.get(again) is None
        await _grant(product, me.person_id, "reviewer")


async def _grant(product: Product, person_id: str, role: str) -> None:
    async with grpc.aio.insecure_channel(f"{product.host}:{product.port}") as channel:
        metadata = (("authorization", f"Bearer {product.token()}"),)
        request_ = GrantRequest(
            project_id=product.studio.project_id, person_id=person_id, role=role, request_id=os.urandom(8).hex()
        )
        await AccessServiceStub(channel).Grant(request_, metadata=metadata)
