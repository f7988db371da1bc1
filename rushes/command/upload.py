"""The command `rushes upload`; that which lists what there is comes with it."""

import argparse
import sys
from pathlib import Path

from rushes.command import listing
from rushes.command.account import add_server, client, command
from rushes.errors import NotFound
from rushes.media.v1 import media_service_pb2

WIDTH = 30


def _bar(what: str, share: float) -> None:
    if sys.stderr.isatty():
        done = round(WIDTH * share)
        end = "\n" if share >= 1 else ""
        print(f"\r{what:<12} [{'#' * done}{'.' * (WIDTH - done)}] {share:4.0%}", end=end, file=sys.stderr, flush=True)


async def upload(arguments: argparse.Namespace) -> int:
    """Uploads files as assets, each ready for review when this ends."""
    async with client(arguments) as connected:
        project_id = arguments.project
        if not project_id:
            projects = await connected.projects()
            if not projects:
                raise NotFound("There is no project to upload to; make one on the page.")
            project_id = projects[0].project_id
        for path in arguments.files:
            video_id = await connected.upload(
                path, project_id, lambda done, total: _bar("uploading", done / total), arguments.rate
            )
            if arguments.asset:
                asset = await connected.add_cut(arguments.asset, video_id)
            else:
                asset = await connected.create_asset(project_id, video_id, arguments.name)

            def show(video: media_service_pb2.Video) -> None:
                _bar("preparing", video.progress_permille / 1000)

            ready = await connected.wait_ready(video_id, show)
            for remark in ready.remarks:
                print(f"{path.name}: {remark}", file=sys.stderr)
            print(f"{path.name}: video {video_id}, {arguments.server}/a/{asset.asset_id}")
    return 0


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `upload`."""
    parser = subparsers.add_parser("upload", help="upload clips and wait until they can be reviewed")
    add_server(parser)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--project", type=int, default=0, help="project_id (default: the first)")
    parser.add_argument("--asset", type=int, default=0, help="asset_id to stack the file on as its next cut")
    parser.add_argument("--name", default="", help="name of the asset (default: that of the file)")
    parser.add_argument(
        "--rate",
        default="",
        help="frames a second of a sound, or of numbered pictures in a .zip or .tar, such as 24000/1001 (default: 24)",
    )
    parser.set_defaults(run=command(upload))
    listing.register(subparsers)
