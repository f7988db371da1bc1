"""Files of notes that the server writes: all that whoever asks may read, nothing else, for nobody else."""

import hashlib
import os
from collections.abc import AsyncIterator

import aiohttp
import pytest

import rushes
from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.client.export import FORMATS
from rushes.errors import InvalidArgument, NotFound
from rushes.media.v1 import export_service_pb2 as pb
from rushes.media.v1.export_service_pb2_grpc import ExportServiceStub
from rushes.media.v1.job_service_pb2 import JOB_STATE_CANCELLED, JOB_STATE_DONE
from rushes.project.v1.access_service_pb2 import GrantRequest
from rushes.project.v1.access_service_pb2_grpc import AccessServiceStub
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL, AUDIENCE_UNSPECIFIED
from svc_media.worker.font import find_fonts
from tests.product import Product
from tests.unit.rushes_exchange import pdf_text
from tests.waiting import until

CANARY = "zwitscher-48-kanarienvogel"
MARK = "everybody may read this"
CHINESE = "请把天空调暗"


@pytest.fixture(scope="module")
def video_id(product: Product) -> int:
    """A clip of its own with an internal note, one for everybody, and a drawing."""
    video_id = product.fresh_video()
    return video_id


@pytest.fixture
async def owner(product: Product, video_id: int) -> AsyncIterator[rushes.Client]:
    """Somebody who may read everything."""
    async with rushes.connect(product.address, session=product.secret) as client:
        await client.wait_ready(video_id)
        if not await client.document(video_id):
            await write(client, video_id)
        yield client


async def write(client: rushes.Client, video_id: int) -> None:
    async with client.collaborate(video_id) as session:
        await session.comment(10, CANARY, audience=AUDIENCE_INTERNAL)
        note = await session.comment(12, f"{MARK} {CHINESE}", audience=AUDIENCE_CLIENT)
        await session.comment(12, f"Re: {MARK}", parent_id=note)
        style = annotation_pb2.Style(color=0xFF2020, opacity=255, width=400)
        line = annotation_pb2.Annotation(
            id=os.urandom(16),
            kind=annotation_pb2.ANNOTATION_KIND_ARROW,
            first_frame=12,
            last_frame=12,
            points=[-9000, -9000, 12000, 9000],
            position=annotation_pb2.Position(),
            style=style,
            audience=AUDIENCE_CLIENT,
        )
        await session.submit([operation_pb2.Operation(create=operation_pb2.CreateOperation(annotation=line))])


def words(format_: str, data: bytes) -> str:
    """What a file says."""
    return pdf_text.said(data).replace("\n", "") if format_ == "pdf" else data.decode()


async def test_everybody_gets_in_every_format_what_they_may_read_and_no_more(
    product: Product, owner: rushes.Client, video_id: int
) -> None:
    async with rushes.connect(product.address, session=product.person("guest")) as guest:
        for format_ in FORMATS:
            export, data = await guest.export(video_id, format_)
            said = words(format_, data)
            assert MARK in said, format_
            assert CANARY not in said, format_
            assert not export.internal
            assert len(data) == export.size_bytes
        # Asking for internal notes does not give them.
        _, data = await guest.export(video_id, "json", AUDIENCE_INTERNAL)
        assert CANARY not in words("json", data)
    for format_ in ("json", "pdf"):
        export, data = await owner.export(video_id, format_)
        assert CANARY in words(format_, data), format_
        assert export.internal
    export, data = await owner.export(video_id, "pdf", AUDIENCE_CLIENT)
    assert CANARY not in words("pdf", data)
    assert not export.internal


async def test_a_sheet_has_stills_and_names_and_letters_of_any_script(
    product: Product, owner: rushes.Client, video_id: int
) -> None:
    asset = next(asset for asset in await owner.assets(product.studio.project_id) if asset.cuts[0].video_id == video_id)
    export, data = await owner.export(video_id, "pdf", AUDIENCE_UNSPECIFIED, asset.asset_id)
    said = words("pdf", data)
    assert asset.name in said
    assert "00:00:00:12" in said
    assert "v1" in said
    assert data.count(b"/Subtype /Image") == 2
    if find_fonts().fallback:
        assert CHINESE in said
        assert export.remark == ""
    with pytest.raises(InvalidArgument, match="no cut"):
        await owner.export(product.video_id, "pdf", AUDIENCE_UNSPECIFIED, asset.asset_id)


async def test_an_export_is_for_whoever_asked_and_only_while_they_may_read_it(
    product: Product, owner: rushes.Client, video_id: int
) -> None:
    secret = product.studio.people(1, "reviewer")[0]
    async with rushes.connect(product.address, session=secret) as reviewer:
        export, data = await reviewer.export(video_id, "csv")
        assert CANARY in data.decode()
        assert await fetched(product, secret, export.path) == (200, hashlib.sha256(data).hexdigest())
        status, _ = await fetched(product, product.secret, export.path)
        assert status == 404
        stub = ExportServiceStub(owner._connection.channel)
        with pytest.raises(NotFound):
            await owner._connection.call(
                stub.GetExport, pb.GetExportRequest(video_id=video_id, export_id=export.export_id)
            )
        me = await reviewer.me()
        grant = GrantRequest(project_id=product.studio.project_id, person_id=me.person_id, role="guest")
        await owner._connection.call(AccessServiceStub(owner._connection.channel).Grant, grant)

        async def refused() -> bool:
            return (await fetched(product, secret, export.path))[0] == 403

        await until(refused, "the file's being refused")


async def fetched(product: Product, secret: str, path: str) -> tuple[int, str]:
    """Status and hash of a file, as a person's browser gets it."""
    headers = {"Cookie": f"rushes_session={secret}"}
    async with aiohttp.ClientSession(product.address) as http, http.get(path, headers=headers) as answer:
        assert answer.status != 200 or answer.headers["Cache-Control"] == "private, no-store"
        return answer.status, hashlib.sha256(await answer.read()).hexdigest()


async def test_asked_twice_it_is_one_and_a_cancelled_one_has_no_file(
    product: Product, owner: rushes.Client, video_id: int
) -> None:
    stub, call = ExportServiceStub(owner._connection.channel), owner._connection.call
    request = pb.CreateExportRequest(video_id=video_id, format=pb.EXPORT_FORMAT_PDF, request_id="asked twice")
    made = [(await call(stub.CreateExport, request)).export for _ in range(2)]
    assert made[0].export_id == made[1].export_id
    stop = pb.CancelExportRequest(video_id=video_id, export_id=made[0].export_id)
    ended = (await call(stub.CancelExport, stop)).export
    # It may have been quicker than the request to stop it.
    assert ended.state in (JOB_STATE_CANCELLED, JOB_STATE_DONE)
    assert bool(ended.path) == (ended.state == JOB_STATE_DONE)
    with pytest.raises(InvalidArgument):
        await call(stub.CreateExport, pb.CreateExportRequest(video_id=video_id))
