"""Versions and work as they are sent."""

from rushes.version.v1 import version_pb2
from svc_version.core.model import Version, Work


def version_message(version: Version) -> version_pb2.Version:
    """A version as it is sent."""
    return version_pb2.Version(
        version_id=version.version_id,
        video_id=version.video_id,
        number=version.number,
        base_version_id=version.base_id,
        merged_version_id=version.merged_id,
        revision=version.revision,
        kind=version.kind.value,  # type: ignore[arg-type]
        message=version.message,
        person_id=version.person_id,
        created_ms=version.created_ms,
        tags=version.tags,
        tier=version.tier.value,  # type: ignore[arg-type]
        hash=version.hash,
        change=version.change,
    )


def rollback_message(work: Work) -> version_pb2.Rollback:
    """Work as it is sent."""
    return version_pb2.Rollback(
        rollback_id=work.work_id,
        video_id=work.video_id,
        state=work.state.value,  # type: ignore[arg-type]
        person_id=work.person_id,
        from_revision=work.from_revision,
        target_revision=work.target_revision,
        annotation_count=work.annotation_count,
        operation_count=work.operation_count,
        batch_count=work.batch_count,
        done_count=work.done_count,
        last_revision=work.last_revision,
        version_id=work.version_id,
        error_reason=work.error_reason,
        error_message=work.error_message,
        frames=work.frames,
        kept_count=work.kept_count,
    )
