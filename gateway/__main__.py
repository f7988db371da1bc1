"""Starts the gateway."""

from gateway.bootstrap import build
from gateway.config import Config
from mesh import config as settings
from mesh.service import run


def main() -> None:
    """Reads the configuration and serves until it is told to stop."""
    config = settings.load(Config, "gateway")
    mesh = settings.load(settings.MeshConfig, "mesh")
    run("gateway", config.listen, lambda runtime: build(config, runtime), mesh=mesh)


if __name__ == "__main__":
    main()
