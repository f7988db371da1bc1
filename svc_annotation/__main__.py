"""`python -m svc_annotation`: settings, then the service until it is told to stop."""

import gc
from functools import partial

from mesh.config import MeshConfig, load
from mesh.service import run
from svc_annotation.bootstrap import build
from svc_annotation.config import AnnotationConfig

YOUNG_OBJECTS = 50_000
"""Most objects here live long and hold no cycles: looking for those seldom saves a tenth of the processor's time."""


def main() -> None:
    """Runs the service."""
    config = load(AnnotationConfig, "annotation")
    mesh = load(MeshConfig, "mesh")
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)
    run("svc_annotation", config.listen, partial(build, config), mesh=mesh)


if __name__ == "__main__":
    main()
