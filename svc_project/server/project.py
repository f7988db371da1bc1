"""ProjectService."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, TypeAlias

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.auth import caller, granted
from rushes.project.v1 import project_service_pb2 as pb
from rushes.project.v1 import project_service_pb2_grpc as pb_grpc
from svc_project.batch import Batch, BatchChange, Chosen
from svc_project.core import role, text
from svc_project.core.errors import FolderNotFound, InvalidField
from svc_project.core.model import Asset, AssetFilter, AssetId, FolderId, Order, ProjectId, SessionId, VideoId
from svc_project.folder import FolderChange, Folders
from svc_project.library import AssetChange, Library, NewAsset, ProjectChange
from svc_project.server import proto

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class ProjectServicer(pb_grpc.ProjectServiceServicer):
    """Projects, and the assets in them."""

    def __init__(self, library: Library, batch: Batch, folders: Folders) -> None:
        self._library = library
        self._batch = batch
        self._folders = folders

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
        fields = _fields(request.update_mask, {"name", "statuses"}, request.project)
        change = ProjectChange(
            project_id=ProjectId(request.project.project_id),
            name=request.project.name if "name" in fields else None,
            statuses=tuple(request.project.statuses) if "statuses" in fields else None,
            etag=request.project.etag,
        )
        once = proto.once("UpdateProject", request, request.request_id)
        project = await self._library.update_project(proto.who(), change, once)
        return pb.UpdateProjectResponse(project=proto.to_project(project, granted()))

    async def DeleteProject(self, request: pb.DeleteProjectRequest, context: Context) -> pb.DeleteProjectResponse:
        """Deletes a project."""
        once = proto.once("DeleteProject", request, request.request_id)
        await self._library.delete_project(proto.who(), ProjectId(request.project_id), once)
        return pb.DeleteProjectResponse()

    async def WatchProject(
        self, request: pb.WatchProjectRequest, context: Context
    ) -> AsyncIterator[pb.WatchProjectResponse]:
        """What is listed has changed."""
        me, project_id = caller(), ProjectId(request.project_id)
        looking = self._library.watch(proto.who(), project_id, SessionId(me.session_id), me.expires_ms)
        async with aclosing(looking) as changes:
            async for _ in changes:
                yield pb.WatchProjectResponse()

    async def CreateAsset(self, request: pb.CreateAssetRequest, context: Context) -> pb.CreateAssetResponse:
        """Makes an asset."""
        once = proto.once("CreateAsset", request, request.request_id)
        new = NewAsset(
            project_id=ProjectId(request.project_id),
            name=request.name,
            tags=tuple(request.tags),
            video_id=VideoId(request.video_id),
            folder_id=_folder_id(request.folder_id),
        )
        asset = await self._library.create_asset(proto.who(), new, once)
        return pb.CreateAssetResponse(asset=proto.to_asset(asset, granted()))

    async def GetAsset(self, request: pb.GetAssetRequest, context: Context) -> pb.GetAssetResponse:
        """An asset."""
        asset = await self._library.asset(proto.who(), AssetId(request.asset_id), in_trash=_may_upload())
        return pb.GetAssetResponse(asset=proto.to_asset(asset, granted()))

    async def ListAssets(self, request: pb.ListAssetsRequest, context: Context) -> pb.ListAssetsResponse:
        """The assets of a project."""
        if request.deleted and not _may_upload():
            return pb.ListAssetsResponse()
        listed = await self._library.assets(
            proto.who(), ProjectId(request.project_id), _filter(request), request.page_size, request.page_token
        )
        return pb.ListAssetsResponse(
            assets=_to_assets(listed.assets), next_page_token=listed.next_token, total_size=listed.total
        )

    async def UpdateAsset(self, request: pb.UpdateAssetRequest, context: Context) -> pb.UpdateAssetResponse:
        """Changes an asset."""
        fields = _fields(request.update_mask, {"name", "tags", "status", "folder_id"}, request.asset)
        change = AssetChange(
            asset_id=AssetId(request.asset.asset_id),
            name=request.asset.name if "name" in fields else None,
            tags=tuple(request.asset.tags) if "tags" in fields else None,
            status=request.asset.status if "status" in fields else None,
            etag=request.asset.etag,
            folder_id=_folder_id(request.asset.folder_id) if "folder_id" in fields else None,
        )
        once = proto.once("UpdateAsset", request, request.request_id)
        asset = await self._library.update_asset(proto.who(), change, once)
        return pb.UpdateAssetResponse(asset=proto.to_asset(asset, granted()))

    async def AddCut(self, request: pb.AddCutRequest, context: Context) -> pb.AddCutResponse:
        """Stacks a cut."""
        once = proto.once("AddCut", request, request.request_id)
        asset = await self._library.add_cut(proto.who(), AssetId(request.asset_id), VideoId(request.video_id), once)
        return pb.AddCutResponse(asset=proto.to_asset(asset, granted()))

    async def UpdateCut(self, request: pb.UpdateCutRequest, context: Context) -> pb.UpdateCutResponse:
        """Changes a cut."""
        fields = _fields(request.update_mask, {"status"}, request.cut)
        status = request.cut.status if "status" in fields else None
        once = proto.once("UpdateCut", request, request.request_id)
        asset_id, number = AssetId(request.asset_id), request.cut.number
        asset = await self._library.update_cut(proto.who(), asset_id, number, status, once, may_upload=_may_upload())
        return pb.UpdateCutResponse(asset=proto.to_asset(asset, granted()))

    async def BatchUpdateAssets(
        self, request: pb.BatchUpdateAssetsRequest, context: Context
    ) -> pb.BatchUpdateAssetsResponse:
        """Changes many assets."""
        change = BatchChange(
            status=request.status if request.HasField("status") else None,
            folder_id=_folder_id(request.folder_id) if request.HasField("folder_id") else None,
            add_tags=tuple(request.add_tags),
            remove_tags=tuple(request.remove_tags),
        )
        once = proto.once("BatchUpdateAssets", request, request.request_id)
        assets = await self._batch.update(proto.who(), _chosen(request), change, once)
        return pb.BatchUpdateAssetsResponse(assets=_to_assets(assets))

    async def DeleteAssets(self, request: pb.DeleteAssetsRequest, context: Context) -> pb.DeleteAssetsResponse:
        """Into the trash."""
        once = proto.once("DeleteAssets", request, request.request_id)
        await self._batch.delete(proto.who(), _chosen(request), once)
        return pb.DeleteAssetsResponse()

    async def RestoreAssets(self, request: pb.RestoreAssetsRequest, context: Context) -> pb.RestoreAssetsResponse:
        """Out of the trash."""
        once = proto.once("RestoreAssets", request, request.request_id)
        assets = await self._batch.restore(proto.who(), _chosen(request), once)
        return pb.RestoreAssetsResponse(assets=_to_assets(assets))

    async def PurgeAssets(self, request: pb.PurgeAssetsRequest, context: Context) -> pb.PurgeAssetsResponse:
        """For good."""
        once = proto.once("PurgeAssets", request, request.request_id)
        await self._batch.purge(proto.who(), _chosen(request), once)
        return pb.PurgeAssetsResponse()

    async def ListPurgedVideos(
        self, request: pb.ListPurgedVideosRequest, context: Context
    ) -> pb.ListPurgedVideosResponse:
        """What services remove."""
        found = await self._library.purged(request.after, request.page_size)
        return pb.ListPurgedVideosResponse(videos=[pb.PurgedVideo(**asdict(each)) for each in found])

    async def ListTags(self, request: pb.ListTagsRequest, context: Context) -> pb.ListTagsResponse:
        """The tags of a project's assets."""
        tags, token = await self._library.tags(
            proto.who(), ProjectId(request.project_id), request.page_size, request.page_token
        )
        counts = [pb.TagCount(tag=tag, asset_count=assets) for tag, assets in tags]
        return pb.ListTagsResponse(tags=counts, next_page_token=token)

    async def CreateFolder(self, request: pb.CreateFolderRequest, context: Context) -> pb.CreateFolderResponse:
        """Makes a folder."""
        once = proto.once("CreateFolder", request, request.request_id)
        folder = await self._folders.create(
            proto.who(), ProjectId(request.project_id), _folder_id(request.parent_id), request.name, once
        )
        return pb.CreateFolderResponse(folder=proto.to_folder(folder))

    async def ListFolders(self, request: pb.ListFoldersRequest, context: Context) -> pb.ListFoldersResponse:
        """The folders of a project."""
        folders, token = await self._folders.folders(
            proto.who(), ProjectId(request.project_id), request.page_size, request.page_token
        )
        return pb.ListFoldersResponse(folders=[proto.to_folder(folder) for folder in folders], next_page_token=token)

    async def UpdateFolder(self, request: pb.UpdateFolderRequest, context: Context) -> pb.UpdateFolderResponse:
        """Changes a folder."""
        wanted = request.folder
        fields = _fields(request.update_mask, {"name", "parent_id"}, wanted)
        change = FolderChange(
            project_id=ProjectId(wanted.project_id),
            folder_id=FolderId(wanted.folder_id),
            name=wanted.name if "name" in fields else None,
            parent_id=_folder_id(wanted.parent_id) if "parent_id" in fields else None,
            etag=wanted.etag,
        )
        once = proto.once("UpdateFolder", request, request.request_id)
        folder = await self._folders.update(proto.who(), change, once)
        return pb.UpdateFolderResponse(folder=proto.to_folder(folder))

    async def DeleteFolder(self, request: pb.DeleteFolderRequest, context: Context) -> pb.DeleteFolderResponse:
        """Removes a folder."""
        once = proto.once("DeleteFolder", request, request.request_id)
        await self._folders.delete(proto.who(), ProjectId(request.project_id), FolderId(request.folder_id), once)
        return pb.DeleteFolderResponse()


_ORDERS = {
    pb.ASSET_ORDER_UNSPECIFIED: Order.CHANGED,
    pb.ASSET_ORDER_CHANGED: Order.CHANGED,
    pb.ASSET_ORDER_NAME: Order.NAME,
    pb.ASSET_ORDER_CREATED: Order.CREATED,
    pb.ASSET_ORDER_STATUS: Order.STATUS,
}


def _may_upload() -> bool:
    return bool(granted() & role.Permission.UPLOAD)


def _folder_id(number: int) -> FolderId:
    if number < 0:
        raise FolderNotFound
    return FolderId(number)


def _chosen(
    request: pb.BatchUpdateAssetsRequest | pb.DeleteAssetsRequest | pb.RestoreAssetsRequest | pb.PurgeAssetsRequest,
) -> Chosen:
    return Chosen(ProjectId(request.project_id), tuple(AssetId(asset_id) for asset_id in request.asset_ids))


def _to_assets(assets: Sequence[Asset]) -> list[pb.Asset]:
    return [proto.to_asset(asset, granted()) for asset in assets]


def _filter(request: pb.ListAssetsRequest) -> AssetFilter:
    order = _ORDERS.get(request.order)
    if order is None:
        raise InvalidField("order", "there is no such order")
    if len(request.statuses) > text.MOST_STATUSES:
        raise InvalidField("statuses", f"at most {text.MOST_STATUSES}")
    return AssetFilter(
        words=text.search_words(request.query),
        folder_id=_folder_id(request.folder_id) if request.HasField("folder_id") else None,
        tags=text.clean_tags(request.tags),
        statuses=tuple(sorted(set(request.statuses))),
        order=order,
        deleted=request.deleted,
    )


def _fields(
    mask: FieldMask, known: Collection[str], message: pb.Project | pb.Asset | pb.Cut | pb.Folder
) -> Collection[str]:
    """What is to change: without a mask, what has a value."""
    if not mask.paths:
        return {field.name for field, _ in message.ListFields() if field.name in known}
    unknown = set(mask.paths) - set(known)
    if unknown:
        raise InvalidField("update_mask", f"{', '.join(sorted(known))} can change")
    return set(mask.paths)
