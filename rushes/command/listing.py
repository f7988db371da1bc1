"""The command `rushes list`: what there is, with the numbers that the other commands ask for."""

import argparse

from rushes.command.account import add_server, client, command
from rushes.project.v1.project_service_pb2 import Asset


def line(asset: Asset) -> str:
    """An asset with its cuts, the newest first."""
    cuts = "  ".join(f"v{cut.number}: video {cut.video_id}" for cut in asset.cuts) or "no cut yet"
    return f"  asset {asset.asset_id:<6} {asset.name}  [{asset.status}]  {cuts}"


async def show(arguments: argparse.Namespace) -> int:
    """Prints projects and what is in them."""
    async with client(arguments) as connected:
        projects = [each for each in await connected.projects() if arguments.project in (0, each.project_id)]
        for project in projects:
            print(f"project {project.project_id}  {project.name}")
            for asset in await connected.assets(project.project_id, arguments.search):
                print(line(asset))
    if not projects:
        print("There is no project, or none with this number that is yours to see.")
    return 0


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = subparsers.add_parser("list", help="list projects, assets and cuts, with their numbers")
    add_server(parser)
    parser.add_argument("--project", type=int, default=0, help="project_id (default: all)")
    parser.add_argument("--search", default="", metavar="WORDS", help="only assets of these words in name and tags")
    parser.set_defaults(run=command(show))
