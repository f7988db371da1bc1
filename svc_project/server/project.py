"""ProjectService."""

from collections.abc import Collection
from typing import Any, TypeAlias

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.auth import granted
from rushes.project.v1 import project_service_pb2 as pb
from rushes.project.v1 import project_service_pb2_grpc as pb_grpc
from svc_project.core.errors import InvalidField
from svc_project.core.model import AssetId, ProjectId, VideoId
from svc_project.library import AssetChange, Library, NewAsset
from svc_project.server import proto

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class ProjectServicer(pb_grpc.ProjectServiceServicer):
    """Projects, and the assets in them."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def CreateProject(self, request: pb.CreateProjectRequest, context: Context) -> pb.CreateProjectResponse:
        """Makes a project."""
        once = proto.once("CreateProject", request, request.request_id)
        project, permissions = await self._library.create_project(proto.who(), request.name, once)
        return pb.CreateProjectResponse(project=proto.to_project(project, permissions))

    async def GetProject(self, request: pb.GetProjectRequest, context: Context) -> pb.GetProjectResponse:
        """A project."""
        project = await self._library.project(proto.who(), ProjectId(request.project_id))
        return pb.GetProjectResponse(project=proto.to_project(project, granted()))

    async def ListProjects(self, request: pb.ListProjectsRequest, context: Context) -> pb.ListProjectsResponse:
        """The projects that the caller may view."""
        projects, token = await self._library.projects(proto.who(), request.page_size, request.page_token)
        return pb.ListProjectsResponse(
            projects=[proto.to_project(project, permissions) for project, permissions in projects],
            next_page_token=token,
        )

    async def UpdateProject(self, request: pb.UpdateProjectRequest, context: Context) -> pb.UpdateProjectResponse:
        """Changes a project."""
        fields = _fields(request.update_mask, {"name"}, request.project)
        name = request.project.name if "name" in fields else None
        once = proto.once("UpdateProject", request, request.request_id)
        project = await self._library.update_project(
            proto.who(), ProjectId(request.project.project_id), name, request.project.etag, once
        )
        return pb.UpdateProjectResponse(project=proto.to_project(project, granted()))

    async def CreateAsset(self, request: pb.CreateAssetRequest, context: Context) -> pb.CreateAssetResponse:
        """Makes an asset."""
        once = proto.once("CreateAsset", request, request.request_id)
        new = NewAsset(ProjectId(request.project_id), request.name, tuple(request.tags), VideoId(request.video_id))
        asset = await self._library.create_asset(proto.who(), new, once)
        return pb.CreateAssetResponse(asset=proto.to_asset(asset, granted()))

    async def GetAsset(self, request: pb.GetAssetRequest, context: Context) -> pb.GetAssetResponse:
        """An asset."""
        asset = await self._library.asset(proto.who(), AssetId(request.asset_id))
        return pb.GetAssetResponse(asset=proto.to_asset(asset, granted()))

    async def ListAssets(self, request: pb.ListAssetsRequest, context: Context) -> pb.ListAssetsResponse:
        """The assets of a project."""
        assets, token = await self._library.assets(
            proto.who(), ProjectId(request.project_id), request.query, request.page_size, request.page_token
        )
        return pb.ListAssetsResponse(
            assets=[proto.to_asset(asset, granted()) for asset in assets], next_page_token=token
        )

    async def UpdateAsset(self, request: pb.UpdateAssetRequest, context: Context) -> pb.UpdateAssetResponse:
        """Changes an asset."""
        fields = _fields(request.update_mask, {"name", "tags", "status"}, request.asset)
        change = AssetChange(
            asset_id=AssetId(request.asset.asset_id),
            name=request.asset.name if "name" in fields else None,
            tags=tuple(request.asset.tags) if "tags" in fields else None,
            status=request.asset.status if "status" in fields else None,
            etag=request.asset.etag,
        )
        once = proto.once("UpdateAsset", request, request.request_id)
        asset = await self._library.update_asset(proto.who(), change, once)
        return pb.UpdateAssetResponse(asset=proto.to_asset(asset, granted()))

    async def AddCut(self, request: pb.AddCutRequest, context: Context) -> pb.AddCutResponse:
        """Stacks a cut."""
        once = proto.once("AddCut", request, request.request_id)
        asset = await self._library.add_cut(proto.who(), AssetId(request.asset_id), VideoId(request.video_id), once)
        return pb.AddCutResponse(asset=proto.to_asset(asset, granted()))


def _fields(mask: FieldMask, known: Collection[str], message: pb.Project | pb.Asset) -> Collection[str]:
    """What is to change: without a mask, what has a value."""
    if not mask.paths:
        return {field.name for field, _ in message.ListFields() if field.name in known}
    unknown = set(mask.paths) - set(known)
    if unknown:
        raise InvalidField("update_mask", f"{', '.join(sorted(known))} can change")
    return set(mask.paths)
