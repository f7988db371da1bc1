"""Starts the gateway: a service of the mesh, or with --upstream alone in front of any gRPC server."""

import sys

from gateway import standalone
from gateway.bootstrap import build
from gateway.config import Config
from mesh import config as settings
from mesh.service import run


def main() -> None:
    """Reads the configuration and serves until it is told to stop."""
    if any(argument.split("=")[0] in ("--upstream", "--listen", "--help", "-h") for argument in sys.argv[1:]):
        standalone.main(sys.argv[1:])
        return
    config = settings.load(Config, "gateway")
    mesh = settings.load(settings.MeshConfig, "mesh")
    run("gateway", config.listen, lambda runtime: build(config, runtime), mesh=mesh)


if __name__ == "__main__":
    main()
