"""gRPC of svc_media."""

from collections.abc import AsyncIterator
from typing import Any

from mesh.auth import caller
from rushes.media.v1 import job_service_pb2, job_service_pb2_grpc, media_service_pb2, media_service_pb2_grpc
from rushes.type.v1.number_pb2 import Rational
from svc_media.catalog import Catalog
from svc_media.core.model import Job, JobState, Owner
from svc_media.stores import Store
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
