"""`python -m svc_sfu`: settings, then the service until it is told to stop."""

from functools import partial

from mesh.auth.nobody import Nobody
from mesh.config import MeshConfig, load
from mesh.garbage import look_seldom
from mesh.service import run
from svc_sfu.bootstrap import build
from svc_sfu.config import SfuConfig


def main() -> None:
    """Runs the service."""
    look_seldom()
    config = load(SfuConfig, "sfu")
    mesh = load(MeshConfig, "mesh")
    # It forwards packets for whoever signalling names: so it starts, and goes on, without those who know people.
    run("svc_sfu", config.listen, partial(build, config), mesh=mesh, identity=lambda _: Nobody())


if __name__ == "__main__":
    main()
