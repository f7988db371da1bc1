"""`python -m svc_version`: settings, then the service until it is told to stop."""

import gc
import sys
from functools import partial

from mesh.config import MeshConfig, load
from mesh.service import run
from svc_version.bootstrap import build
from svc_version.config import VersionConfig

YOUNG_OBJECTS = 50_000
"""Versions that are kept to be read are many objects without cycles: looking for those seldom keeps commits quick."""
SWITCH_S = 0.001
"""Whatever computes in a thread, as a snapshot of many notes, lets whoever commits have their turn so soon."""


def main() -> None:
    """Runs the service."""
    config = load(VersionConfig, "version")
    mesh = load(MeshConfig, "mesh")
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)
    sys.setswitchinterval(SWITCH_S)
    run("svc_version", config.listen, partial(build, config), mesh=mesh)


if __name__ == "__main__":
    main()
