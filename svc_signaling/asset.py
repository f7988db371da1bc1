"""svc_project as this service sees it: whether an asset is there, for whoever asks."""

from mesh.rpc import Channels
from rushes.errors import NotFound
from rushes.project.v1 import project_service_pb2 as project
from rushes.project.v1.project_service_pb2_grpc import ProjectServiceStub


class AssetElsewhere(NotFound):
    """There is no such asset in this project."""

    reason = "ASSET_ELSEWHERE"


class Assets:
    """See the module."""

    def __init__(self, channels: Channels) -> None:
        self._stub = channels.stub(ProjectServiceStub, "svc_project")

    async def check(self, project_id: int, asset_id: int) -> None:
        """Raises what svc_project says of it to the person who asks, or AssetElsewhere."""
        answer = await self._stub.GetAsset(project.GetAssetRequest(asset_id=asset_id))
        if answer.asset.project_id != project_id:
            raise AssetElsewhere("there is no such asset in this project")
