"""`python -m svc_signaling`: settings, then the service until it is told to stop."""

from functools import partial

from mesh.config import MeshConfig, load
from mesh.garbage import look_seldom
from mesh.service import run
from svc_signaling.bootstrap import build
from svc_signaling.config import SignalingConfig


def main() -> None:
    """Runs the service."""
    config = load(SignalingConfig, "signaling")
    look_seldom()
    run("svc_signaling", config.listen, partial(build, config), mesh=load(MeshConfig, "mesh"))


if __name__ == "__main__":
    main()
