"""Roles as sets of permissions, and what a person may do by them."""

from collections.abc import Iterable
from enum import IntFlag

from svc_project.core.errors import InvalidField
from svc_project.core.model import Person, VideoPath


class Permission(IntFlag):
    """Bit n stands for value n of the proto's enum."""

    VIEW = 1 << 1
    ANNOTATE = 1 << 2
    EDIT_OTHERS = 1 << 3
    SEE_INTERNAL = 1 << 4
    UPLOAD = 1 << 5
    DOWNLOAD = 1 << 6
    DRIVE = 1 << 7
    MODERATE = 1 << 8
    APPROVE = 1 << 9
    ADMINISTER = 1 << 10


ALL = sum(Permission)
OWNER = "owner"

# Strongest first: each role's permissions contain those of the roles after it.
MASKS: dict[str, int] = {
    OWNER: ALL,
    "member": ALL & ~int(Permission.ADMINISTER),
    "reviewer": int(
        Permission.VIEW | Permission.ANNOTATE | Permission.SEE_INTERNAL | Permission.DOWNLOAD | Permission.APPROVE
    ),
    "client": int(Permission.VIEW | Permission.ANNOTATE | Permission.APPROVE),
    "guest": int(Permission.VIEW | Permission.ANNOTATE),
}


def check_role(role: str) -> str:
    """The role, if it is one."""
    if role not in MASKS:
        raise InvalidField("role", f"one of {', '.join(MASKS)} is needed")
    return role


def mask(role: str) -> int:
    """Permissions of a role; "" is nobody's."""
    return MASKS.get(role, 0)


def stronger(role: str, other: str) -> str:
    """The role with more permissions, so that a link never takes any away."""
    return role if mask(role) >= mask(other) else other


def tenant_mask(person: Person) -> int:
    """What a person may do in the tenant as a whole."""
    if person.administrator:
        return ALL
    return 0 if person.guest else int(Permission.VIEW)


def video_mask(paths: Iterable[VideoPath]) -> int:
    """What a person may do with a video: the union over its cuts.

    A cut outside the project it was uploaded for passes on no more than whoever added it may do at home now:
    else a guest could stack a video in a project of their own, and read what the house keeps internal. A cut in the
    trash is seen by those alone who can restore it.
    """
    total = 0
    for path in paths:
        if path.in_trash and not mask(path.role) & Permission.UPLOAD:
            continue
        limit = ALL if path.at_home else mask(path.adder_role)
        total |= mask(path.role) & limit & path.most
    return total
