"""gRPC of svc_media."""

from collections.abc import AsyncIterator
from typing import Any

from mesh.auth import caller
from rushes.media.v1 import (
    export_service_pb2,
    export_service_pb2_grpc,
    import_service_pb2,
    import_service_pb2_grpc,
    job_service_pb2,
    job_service_pb2_grpc,
    media_service_pb2,
    media_service_pb2_grpc,
    subtitle_service_pb2,
    subtitle_service_pb2_grpc,
)
from rushes.type.v1.number_pb2 import Rational
from svc_media.catalog import Catalog
from svc_media.core.export import Export
from svc_media.core.model import Job, JobState, Owner
from svc_media.core.subtitle import PREFIX, Subtitle
from svc_media.export import Exports
from svc_media.importing import ImportInvalid, Imports
from svc_media.stores import Store
from svc_media.subtitle import Subtitles
from svc_media.work import Jobs

_STATES = {
    JobState.QUEUED: job_service_pb2.JOB_STATE_QUEUED,
    JobState.RUNNING: job_service_pb2.JOB_STATE_RUNNING,
    JobState.DONE: job_service_pb2.JOB_STATE_DONE,
    JobState.FAILED: job_service_pb2.JOB_STATE_FAILED,
    JobState.CANCELLED: job_service_pb2.JOB_STATE_CANCELLED,
}


class MediaServicer(media_service_pb2_grpc.MediaServiceServicer):
    """Videos and their files."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def GetVideo(self, request: media_service_pb2.GetVideoRequest, context: Any) -> Any:
        video, _ = await self._catalog.describe(request.video_id)
        return media_service_pb2.GetVideoResponse(video=video)

    async def LookUpVideo(self, request: media_service_pb2.LookUpVideoRequest, context: Any) -> Any:
        video, kept = await self._catalog.describe(request.video_id)
        return media_service_pb2.LookUpVideoResponse(
            video=video, tenant_id=kept.owner.tenant_id, person_id=kept.owner.person_id
        )

    async def GetFrameTimes(self, request: media_service_pb2.GetFrameTimesRequest, context: Any) -> Any:
        facts = await self._catalog.facts(request.video_id)
        base = facts.time_base
        return media_service_pb2.GetFrameTimesResponse(
            time_base=Rational(num=base.numerator, den=base.denominator),
            deltas=facts.tick_deltas() if facts.variable_rate else (),
        )

    async def ListRenditions(self, request: media_service_pb2.ListRenditionsRequest, context: Any) -> Any:
        renditions = await self._catalog.renditions(request.video_id)
        return media_service_pb2.ListRenditionsResponse(renditions=renditions)


class JobServicer(job_service_pb2_grpc.JobServiceServicer):
    """Jobs."""

    def __init__(self, catalog: Catalog, store: Store, jobs: Jobs, now_ms: Any) -> None:
        self._catalog = catalog
        self._store = store
        self._jobs = jobs
        self._now_ms = now_ms

    async def CreateJob(self, request: job_service_pb2.CreateJobRequest, context: Any) -> Any:
        video = await self._catalog.video(request.video_id)
        owner = Owner(video.owner.tenant_id, caller().person_id, video.owner.project_id)
        job = await self._store.add_job(owner, request.video_id, request.request_id, self._now_ms())
        self._jobs.enqueue(job)
        return job_service_pb2.CreateJobResponse(job=_answer(job))

    async def GetJob(self, request: job_service_pb2.GetJobRequest, context: Any) -> Any:
        job = await self._jobs.get(request.job_id, request.video_id)
        return job_service_pb2.GetJobResponse(job=_answer(job))

    async def WatchJob(self, request: job_service_pb2.WatchJobRequest, context: Any) -> AsyncIterator[Any]:
        async for job in self._jobs.watch(request.job_id, request.video_id):
            yield job_service_pb2.WatchJobResponse(job=_answer(job))

    async def CancelJob(self, request: job_service_pb2.CancelJobRequest, context: Any) -> Any:
        job = await self._jobs.cancel(request.job_id, request.video_id, caller().person_id)
        return job_service_pb2.CancelJobResponse(job=_answer(job))


class ImportServicer(import_service_pb2_grpc.ImportServiceServicer):
    """Videos that services bring."""

    def __init__(self, imports: Imports) -> None:
        self._imports = imports

    async def ImportVideo(self, requests: AsyncIterator[import_service_pb2.ImportVideoRequest], context: Any) -> Any:
        first = await anext(requests, None)
        if first is None or first.WhichOneof("what") != "open":
            raise ImportInvalid("the first message is open")
        video_id = await self._imports.bring(first.open, (each.data async for each in requests))
        return import_service_pb2.ImportVideoResponse(video_id=video_id)

    async def ComposeVideo(self, request: import_service_pb2.ComposeVideoRequest, context: Any) -> Any:
        return import_service_pb2.ComposeVideoResponse(video_id=await self._imports.compose(request))


_FORMATS = {
    export_service_pb2.EXPORT_FORMAT_CSV: "csv",
    export_service_pb2.EXPORT_FORMAT_JSON: "json",
    export_service_pb2.EXPORT_FORMAT_OTIO: "otio",
    export_service_pb2.EXPORT_FORMAT_OTIO_MARKERS: "otio-markers",
    export_service_pb2.EXPORT_FORMAT_EDL: "edl",
    export_service_pb2.EXPORT_FORMAT_RESOLVE: "resolve",
    export_service_pb2.EXPORT_FORMAT_PDF: "pdf",
}
_BY_FORMAT = {name: number for number, name in _FORMATS.items()}


class ExportServicer(export_service_pb2_grpc.ExportServiceServicer):
    """Files of notes."""

    def __init__(self, exports: Exports) -> None:
        self._exports = exports

    async def CreateExport(self, request: export_service_pb2.CreateExportRequest, context: Any) -> Any:
        wanted = _FORMATS.get(request.format, "")
        export = await self._exports.create(
            caller(), request.video_id, wanted, request.audience, request.asset_id, request.request_id
        )
        return export_service_pb2.CreateExportResponse(export=_exported(export))

    async def GetExport(self, request: export_service_pb2.GetExportRequest, context: Any) -> Any:
        export = await self._exports.get(request.export_id, request.video_id, caller())
        return export_service_pb2.GetExportResponse(export=_exported(export))

    async def WatchExport(self, request: export_service_pb2.WatchExportRequest, context: Any) -> AsyncIterator[Any]:
        async for export in self._exports.watch(request.export_id, request.video_id, caller()):
            yield export_service_pb2.WatchExportResponse(export=_exported(export))

    async def CancelExport(self, request: export_service_pb2.CancelExportRequest, context: Any) -> Any:
        export = await self._exports.cancel(request.export_id, request.video_id, caller())
        return export_service_pb2.CancelExportResponse(export=_exported(export))


def _exported(export: Export) -> export_service_pb2.Export:
    return export_service_pb2.Export(
        export_id=export.export_id,
        video_id=export.video_id,
        format=_BY_FORMAT[export.format],
        state=_STATES[export.state],
        progress_permille=export.progress_permille,
        error=export.error,
        error_reason=export.error_reason,
        created_ms=export.created_ms,
        ended_ms=export.ended_ms,
        expires_ms=export.expires_ms,
        path=f"/media/{export.video_id}/{export.name}" if export.state is JobState.DONE else "",
        file_name=export.file_name,
        size_bytes=export.size_bytes,
        revision=export.revision,
        internal=export.internal,
        remark=export.remark,
    )


class SubtitleServicer(subtitle_service_pb2_grpc.SubtitleServiceServicer):
    """Subtitles."""

    def __init__(self, subtitles: Subtitles) -> None:
        self._subtitles = subtitles

    async def CreateSubtitle(self, request: subtitle_service_pb2.CreateSubtitleRequest, context: Any) -> Any:
        said = (request.language, request.name, request.offset_ms, request.data, request.request_id)
        added = await self._subtitles.add(caller(), request.video_id, *said)
        return subtitle_service_pb2.CreateSubtitleResponse(subtitle=_subtitled(added))

    async def ListSubtitles(self, request: subtitle_service_pb2.ListSubtitlesRequest, context: Any) -> Any:
        found = await self._subtitles.all(request.video_id)
        return subtitle_service_pb2.ListSubtitlesResponse(subtitles=[_subtitled(each) for each in found])

    async def UpdateSubtitle(self, request: subtitle_service_pb2.UpdateSubtitleRequest, context: Any) -> Any:
        wanted, fields = request.subtitle, list(request.update_mask.paths)
        changed = await self._subtitles.change(caller(), wanted.video_id, wanted.subtitle_id, fields, wanted)
        return subtitle_service_pb2.UpdateSubtitleResponse(subtitle=_subtitled(changed))

    async def DeleteSubtitle(self, request: subtitle_service_pb2.DeleteSubtitleRequest, context: Any) -> Any:
        await self._subtitles.remove(caller(), request.video_id, request.subtitle_id)
        return subtitle_service_pb2.DeleteSubtitleResponse()


def _subtitled(subtitle: Subtitle) -> subtitle_service_pb2.Subtitle:
    return subtitle_service_pb2.Subtitle(
        subtitle_id=subtitle.subtitle_id,
        video_id=subtitle.video_id,
        language=subtitle.language,
        name=subtitle.name,
        offset_ms=subtitle.offset_ms,
        cue_count=subtitle.cue_count,
        path=f"/media/{subtitle.video_id}/{PREFIX}{subtitle.subtitle_id}.vtt",
        created_ms=subtitle.created_ms,
    )


def _answer(job: Job) -> job_service_pb2.Job:
    return job_service_pb2.Job(
        job_id=job.job_id,
        video_id=job.video_id,
        state=_STATES[job.state],
        step=job.step,
        progress_permille=job.progress_permille,
        error=job.error,
        error_reason=job.error_reason,
        created_ms=job.created_ms,
        ended_ms=job.ended_ms,
    )
