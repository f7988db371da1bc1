"""`python -m svc_signaling`: settings, then the service until it is told to stop."""

import gc
from functools import partial

from mesh.config import MeshConfig, load
from mesh.service import run
from svc_signaling.bootstrap import build
from svc_signaling.config import SignalingConfig

YOUNG_OBJECTS = 50_000
"""People in rooms are many objects that live long: to look through them all for cycles is a pause for everybody."""


def main() -> None:
    """Runs the service."""
    config = load(SignalingConfig, "signaling")
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)
    run("svc_signaling", config.listen, partial(build, config), mesh=load(MeshConfig, "mesh"))


if __name__ == "__main__":
    main()
