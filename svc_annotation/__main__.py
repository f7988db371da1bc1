"""`python -m svc_annotation`: settings, then the service until it is told to stop."""

from functools import partial

from mesh.config import MeshConfig, load
from mesh.service import run
from svc_annotation.bootstrap import build
from svc_annotation.config import AnnotationConfig


def main() -> None:
    """Runs the service."""
    config = load(AnnotationConfig, "annotation")
    mesh = load(MeshConfig, "mesh")
    run("svc_annotation", config.listen, partial(build, config), mesh=mesh)


if __name__ == "__main__":
    main()
