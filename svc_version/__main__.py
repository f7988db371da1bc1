"""`python -m svc_version`: settings, then the service until it is told to stop."""

import sys
from functools import partial

from mesh.config import MeshConfig, load
from mesh.garbage import look_seldom
from mesh.service import run
from svc_version.bootstrap import build
from svc_version.config import VersionConfig

SWITCH_S = 0.001
"""Whatever computes in a thread, as a snapshot of many notes, lets whoever commits have their turn so soon."""


def main() -> None:
    """Runs the service."""
    config = load(VersionConfig, "version")
    mesh = load(MeshConfig, "mesh")
    look_seldom()
    sys.setswitchinterval(SWITCH_S)
    run("svc_version", config.listen, partial(build, config), mesh=mesh)


if __name__ == "__main__":
    main()
