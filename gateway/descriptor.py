"""How many connections a process may have."""

import resource
from typing import Final

DESCRIPTORS: Final = 65_536


def raise_descriptor_limit() -> None:
    """Each viewer holds a descriptor, and the usual limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
