"""A cut in the trash: whoever may not upload neither finds nor plays it, nor its versions."""

import asyncio
import re
from functools import partial
from typing import Any

from benchmarks.stack import StackError
from benchmarks.studio import MEDIA, PROJECT, VERSION
from rushes.media.v1 import job_service_pb2 as job_pb2
from rushes.media.v1 import media_service_pb2 as media
from rushes.project.v1 import project_service_pb2 as project
from rushes.version.v1 import version_service_pb2 as version
from tests.product import Product, serving
from tests.waiting import until

JOB = job_pb2.DESCRIPTOR.services_by_name["JobService"]


def statuses(product: Product, secret: str, video_id: int) -> set[int]:
    """What the files of a video are answered with."""
    names = ("review.mp4", "poster.jpg", "filmstrip.jpg")
    return {product.stack.request("GET", f"/media/{video_id}/{name}", None, {}, secret)[0] for name in names}


def not_found(product: Product, secret: str, service: Any, method: str, ask: Any) -> bool:
    """Whether somebody is told that there is no such video."""
    try:
        product.stack.rpc(service, method, ask, secret)
    except StackError as error:
        return re.search(r"grpc-status: ?5\b", str(error)) is not None
    return False


async def test_a_cut_in_the_trash_is_played_by_those_alone_who_can_restore_it(product: Product) -> None:
    stack, project_id = product.stack, product.studio.project_id
    people = {role: product.person(role) for role in ("guest", "reviewer", "member")}
    video_id = product.fresh_video()

    def answered(secret: str, status: int) -> bool:
        return statuses(product, secret, video_id) == {status}

    assert all(answered(secret, 200) for secret in people.values())
    listed = stack.rpc(PROJECT, "ListAssets", project.ListAssetsRequest(project_id=project_id), product.secret).assets
    asset = next(each for each in listed if each.cuts[0].video_id == video_id)
    commit = version.CommitVersionRequest(video_id=video_id)
    base = stack.rpc(VERSION, "CommitVersion", commit, product.secret).version.version_id
    delete = project.DeleteAssetsRequest(project_id=project_id, asset_ids=[asset.asset_id])
    stack.rpc(PROJECT, "DeleteAssets", delete, product.secret)
    asked: tuple[tuple[Any, str, Any], ...] = (
        (MEDIA, "GetVideo", media.GetVideoRequest(video_id=video_id)),
        (MEDIA, "ListRenditions", media.ListRenditionsRequest(video_id=video_id)),
        (VERSION, "ListVersions", version.ListVersionsRequest(video_id=video_id)),
        (VERSION, "GetVersionDocument", version.GetVersionDocumentRequest(video_id=video_id, version_id=base)),
        (VERSION, "CommitVersion", version.CommitVersionRequest(video_id=video_id, base_version_id=base)),
    )
    for role in ("guest", "reviewer"):
        await until(partial(answered, people[role], 404), f"404 for the {role}")
        for service, method, ask in asked:
            await until(partial(not_found, product, people[role], service, method, ask), f"{method} by the {role}")
    for service, method, ask in asked[:-1]:
        stack.rpc(service, method, ask, people["member"])
    assert answered(people["member"], 200)
    restore = project.RestoreAssetsRequest(project_id=project_id, asset_ids=[asset.asset_id])
    stack.rpc(PROJECT, "RestoreAssets", restore, product.secret)
    for role, secret in people.items():
        await until(partial(answered, secret, 200), f"200 for the {role}")


async def test_what_is_deleted_for_good_is_removed_where_its_files_are_and_the_same_bytes_of_another_stay() -> None:
    with serving(RUSHES_MEDIA__PURGE_DAYS="0") as product:
        stack, secret = product.stack, product.secret
        video_id = product.fresh_video()
        looked_for = media.GetVideoRequest(video_id=video_id)

        def worked() -> bool:
            job_id = stack.rpc(MEDIA, "GetVideo", looked_for, secret).video.job_id
            request = job_pb2.GetJobRequest(video_id=video_id, job_id=job_id)
            return bool(stack.rpc(JOB, "GetJob", request, secret).job.state == job_pb2.JOB_STATE_DONE)

        await until(worked, "that nothing is being made of it")
        project_id = product.studio.project_id
        listed = stack.rpc(PROJECT, "ListAssets", project.ListAssetsRequest(project_id=project_id), secret).assets
        chosen = [each.asset_id for each in listed if each.cuts[0].video_id == video_id]
        for method in ("DeleteAssets", "PurgeAssets"):
            request = getattr(project, f"{method}Request")(project_id=project_id, asset_ids=chosen)
            stack.rpc(PROJECT, method, request, secret)
        # It is looked for now and then, and at the start.
        pid = stack.kill_service("svc_media")
        await asyncio.to_thread(stack.wait_restarted, "svc_media", pid)
        await until(partial(not_found, product, secret, MEDIA, "GetVideo", looked_for), "that it is gone")
        assert statuses(product, secret, product.video_id) == {200}
