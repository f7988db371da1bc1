"""Starts svc_media."""

from mesh import config as settings
from mesh.service import run
from svc_media.bootstrap import build
from svc_media.config import Config


def main() -> None:
    """Reads the configuration and serves until it is told to stop."""
    config = settings.load(Config, "media")
    mesh = settings.load(settings.MeshConfig, "mesh")
    run("svc_media", config.listen, lambda runtime: build(config, runtime), mesh=mesh)


if __name__ == "__main__":
    main()
