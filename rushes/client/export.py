"""Files of notes that the server writes: asked for, waited for, fetched."""

import asyncio
import json
import secrets
from typing import Final

import aiohttp

from rushes.client.connection import Connection
from rushes.errors import FailedPrecondition, NotFound, PermissionDenied, RushesError, Unavailable
from rushes.media.v1 import export_service_pb2 as pb
from rushes.media.v1.export_service_pb2_grpc import ExportServiceStub
from rushes.media.v1.job_service_pb2 import JOB_STATE_DONE, JOB_STATE_QUEUED, JOB_STATE_RUNNING
from rushes.type.v1.access_pb2 import Audience

EVERY_S: Final = 0.3
FORMATS: Final = {
    name.removeprefix("EXPORT_FORMAT_").lower().replace("_", "-"): number
    for name, number in pb.ExportFormat.items()
    if number
}
_KINDS: Final = {403: PermissionDenied, 404: NotFound, 503: Unavailable}


class ExportFailed(FailedPrecondition):
    """The server could not write the file; the message says why."""

    reason = "EXPORT_FAILED"


async def export_notes(
    connection: Connection, video_id: int, format: str, audience: "Audience.ValueType", asset_id: int
) -> tuple[pb.Export, bytes]:
    """The finished export and its file. Raises ExportFailed."""
    stub = ExportServiceStub(connection.channel)
    request = pb.CreateExportRequest(
        video_id=video_id,
        format=FORMATS[format],
        audience=audience,
        asset_id=asset_id,
        request_id=secrets.token_hex(16),
    )
    export = (await connection.call(stub.CreateExport, request)).export
    asked = pb.GetExportRequest(video_id=video_id, export_id=export.export_id)
    while export.state in (JOB_STATE_QUEUED, JOB_STATE_RUNNING):
        await asyncio.sleep(EVERY_S)
        export = (await connection.call(stub.GetExport, asked)).export
    if export.state != JOB_STATE_DONE:
        raise ExportFailed(export.error or "The file was not written.", cause=export.error_reason)
    return export, await _fetch(connection, export.path)


async def _fetch(connection: Connection, path: str) -> bytes:
    headers = {"Authorization": f"Bearer {await connection.token()}"}
    connector = aiohttp.TCPConnector(ssl=connection.tls() or True)
    async with (
        aiohttp.ClientSession(connection.address, connector=connector) as http,
        http.get(path, headers=headers) as answer,
    ):
        data = await answer.read()
        if answer.status == 200:
            return data
        raise _KINDS.get(answer.status, RushesError)(_message(data) or f"The server answered {answer.status}.")


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return ""
