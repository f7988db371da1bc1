"""What people do with media reaches the audit chain of their tenant."""

import base64

from benchmarks.studio import MEDIA
from rushes.media.v1 import job_service_pb2, media_service_pb2
from rushes.project.v1 import audit_service_pb2
from tests.product import Product
from tests.waiting import until

AUDIT = audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"]
JOB = job_service_pb2.DESCRIPTOR.services_by_name["JobService"]
NAME = "a clip for the trail.mp4"


def created(product: Product) -> tuple[str, int]:
    """An upload that was begun: its address and video."""
    meta = {"filename": NAME, "project_id": str(product.studio.project_id)}
    said = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in meta.items())
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "4000", "Upload-Metadata": said}
    status, answered, raw = product.stack.request("POST", "/uploads", None, headers, product.secret)
    assert status == 201, raw
    return answered["Location"], int(answered["Rushes-Video-Id"])


def trail(product: Product, video_id: int) -> list[str]:
    """Actions of the chain that were done to a video, by the administrator."""
    found, token = [], ""
    while True:
        request = audit_service_pb2.ListEventsRequest(page_size=1000, page_token=token)
        page = product.stack.rpc(AUDIT, "ListEvents", request, product.secret)
        found += [each.event for each in page.events if each.event.resource == f"video/{video_id}"]
        token = page.next_page_token
        if not token:
            break
    assert all(event.person_id and event.service == "svc_media" for event in found)
    return [event.action for event in found]


async def test_uploads_jobs_and_downloads_are_in_the_chain(product: Product) -> None:
    address, given_up = created(product)
    headers = {"Tus-Resumable": "1.0.0"}
    assert product.stack.request("DELETE", address, None, headers, product.secret)[0] == 204
    address, video_id = created(product)
    # Zeros are no media: the job ends, and is begun again.
    patch = {**headers, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert product.stack.request("PATCH", address, bytes(4000), patch, product.secret)[0] == 204
    ask = media_service_pb2.GetVideoRequest(video_id=video_id)

    def failed() -> bool:
        video = product.stack.rpc(MEDIA, "GetVideo", ask, product.secret).video
        return bool(video.state == media_service_pb2.VIDEO_STATE_FAILED)

    await until(failed, "the end of the first job")
    product.stack.rpc(JOB, "CreateJob", job_service_pb2.CreateJobRequest(video_id=video_id), product.secret)
    for _ in range(2):
        path = f"/media/{product.video_id}/original"
        assert product.stack.request("GET", path, None, {"Range": "bytes=0-9"}, product.secret)[0] == 206
    await until(lambda: trail(product, given_up) == ["upload.create", "upload.cancel"], "the upload that was given up")
    await until(lambda: "media.download" in trail(product, product.video_id), "the download")
    assert trail(product, product.video_id).count("media.download") == 1
    await until(lambda: "job.create" in trail(product, video_id), "the second job")
    assert trail(product, video_id)[:2] == ["upload.create", "upload.finish"]
