"""`python -m svc_sfu`: settings, then the service until it is told to stop."""

import gc
from functools import partial
from typing import Final

from mesh.auth.nobody import Nobody
from mesh.config import MeshConfig, load
from mesh.service import run
from svc_sfu.bootstrap import build
from svc_sfu.config import SfuConfig

YOUNG_OBJECTS: Final = 10_000
"""Objects made since the last look for garbage, before there is another: packets go without one."""


def main() -> None:
    """Runs the service."""
    gc.freeze()  # what was imported stays: a look through all of it would hold up packets for tens of milliseconds
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)
    config = load(SfuConfig, "sfu")
    mesh = load(MeshConfig, "mesh")
    # It forwards packets for whoever signalling names: so it starts, and goes on, without those who know people.
    run("svc_sfu", config.listen, partial(build, config), mesh=mesh, identity=lambda _: Nobody())


if __name__ == "__main__":
    main()
