"""Starts svc_media."""

import os


def main() -> None:
    """Reads the configuration and serves until it is told to stop."""
    # Read when gRPC is imported: its fork handlers run in each worker before that becomes another program, and crash
    # some of them.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    from mesh import config as settings
    from mesh.service import run
    from svc_media.bootstrap import build
    from svc_media.config import Config

    config = settings.load(Config, "media")
    mesh = settings.load(settings.MeshConfig, "mesh")
    run("svc_media", config.listen, lambda runtime: build(config, runtime), mesh=mesh)


if __name__ == "__main__":
    main()
