"""`python -m svc_version`: settings, then the service until it is told to stop."""

from functools import partial

from mesh.config import MeshConfig, load
from mesh.service import run
from svc_version.bootstrap import build
from svc_version.config import VersionConfig


def main() -> None:
    """Runs the service."""
    config = load(VersionConfig, "version")
    mesh = load(MeshConfig, "mesh")
    run("svc_version", config.listen, partial(build, config), mesh=mesh)


if __name__ == "__main__":
    main()
