"""Starts svc_project."""

from mesh import config as settings
from mesh.service import run
from svc_project.bootstrap import ProjectParts
from svc_project.config import Config


def main() -> None:
    """Reads the configuration and serves until it is told to stop."""
    config = settings.load(Config, "project")
    mesh = settings.load(settings.MeshConfig, "mesh")
    parts = ProjectParts(config, mesh)
    run("svc_project", config.listen, parts.build, mesh=mesh, identity=parts.identity)


if __name__ == "__main__":
    main()
