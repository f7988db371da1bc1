"""`python -m svc_annotation`: settings, then the service until it is told to stop.

`--role` is as the setting of that name.
"""

import sys
from dataclasses import replace
from functools import partial

from mesh.config import ConfigError, MeshConfig, load
from mesh.garbage import look_seldom
from mesh.service import run
from svc_annotation.bootstrap import build
from svc_annotation.config import AnnotationConfig, problem_of

ROLE_OPTION = "--role"
SWITCH_S = 0.001
"""Writers of history and snapshots are threads: the loop, which people wait for, gets the interpreter back sooner."""


def main() -> None:
    """Runs the service."""
    config = load(AnnotationConfig, "annotation")
    if ROLE_OPTION in sys.argv[1:-1]:
        config = replace(config, role=sys.argv[sys.argv.index(ROLE_OPTION) + 1])
    if (problem := problem_of(config)) is not None:
        raise ConfigError([problem])
    mesh = load(MeshConfig, "mesh")
    look_seldom()
    sys.setswitchinterval(SWITCH_S)
    run("svc_annotation", config.listen, partial(build, config), mesh=mesh)


if __name__ == "__main__":
    main()
