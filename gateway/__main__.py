"""Starts the gateway: a service of the mesh, or with arguments alone in front of any gRPC server."""

import sys

from gateway import standalone
from gateway.bootstrap import build
from gateway.config import Config
from mesh import config as settings
from mesh.garbage import look_seldom
from mesh.service import run


def main() -> None:
    """Reads the configuration and serves until it is told to stop."""
    look_seldom()
    if sys.argv[1:] and settings.PRINT_OPTION not in sys.argv:
        standalone.main(sys.argv[1:])
        return
    try:
        config = settings.load(Config, "gateway")
        mesh = settings.load(settings.MeshConfig, "mesh")
        run("gateway", config.listen, lambda runtime: build(config, runtime), mesh=mesh)
    except settings.ConfigError as error:
        sys.exit(f"{error}\nAlone in front of any gRPC server: python -m gateway --help")


if __name__ == "__main__":
    main()
