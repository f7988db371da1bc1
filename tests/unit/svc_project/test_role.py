"""Roles as sets of permissions."""

import itertools

import pytest

from rushes.type.v1 import access_pb2
from svc_project.core import role
from svc_project.core.errors import InvalidField
from svc_project.core.model import Person, PersonId, TenantId, VideoPath


def person(*, guest: bool = False, administrator: bool = False) -> Person:
    return Person(PersonId("p"), TenantId("t"), "P", "", 0, guest, administrator, "", 0)


def test_permissions_are_the_bits_of_the_protos_enum() -> None:
    values = {
        name.removeprefix("PERMISSION_"): 1 << number
        for name, number in access_pb2.Permission.items()
        if number != access_pb2.PERMISSION_UNSPECIFIED
    }
    assert {permission.name: int(permission) for permission in role.Permission} == values


def test_an_owner_may_do_everything_and_a_member_all_but_administer() -> None:
    assert role.mask("owner") == role.ALL
    assert role.mask("member") == role.ALL - role.Permission.ADMINISTER


def test_a_reviewer_sees_internal_notes_and_a_guest_does_not() -> None:
    assert role.mask("reviewer") & role.Permission.SEE_INTERNAL
    assert role.mask("guest") == role.Permission.VIEW | role.Permission.ANNOTATE


def test_whoever_reviews_and_clients_approve_and_guests_do_not() -> None:
    able = [name for name, mask in role.MASKS.items() if mask & role.Permission.APPROVE]
    assert able == ["owner", "member", "reviewer", "client"]
    assert not role.mask("client") & (role.Permission.SEE_INTERNAL | role.Permission.UPLOAD)


def test_each_role_contains_those_after_it() -> None:
    for one, other in itertools.pairwise(role.MASKS.values()):
        assert one & other == other
        assert one != other


def test_nobodys_role_allows_nothing() -> None:
    assert role.mask("") == 0


def test_an_unknown_role_is_refused() -> None:
    for name in ("", "Owner", "admin"):
        with pytest.raises(InvalidField):
            role.check_role(name)
    assert role.check_role("member") == "member"


def test_a_link_never_takes_rights_away() -> None:
    assert role.stronger("owner", "guest") == "owner"
    assert role.stronger("guest", "member") == "member"
    assert role.stronger("", "guest") == "guest"


def test_guests_may_do_nothing_in_the_tenant_and_administrators_everything() -> None:
    assert role.tenant_mask(person(guest=True)) == 0
    assert role.tenant_mask(person()) == role.Permission.VIEW
    assert role.tenant_mask(person(administrator=True)) == role.ALL


def test_a_video_has_the_rights_of_the_project_whose_cut_it_is() -> None:
    assert role.video_mask([VideoPath(at_home=True, role="reviewer", adder_role="")]) == role.mask("reviewer")
    assert role.video_mask([]) == 0


def test_a_cut_elsewhere_passes_on_no_more_than_its_adder_may_do_at_home() -> None:
    lent = VideoPath(at_home=False, role="owner", adder_role="guest")
    assert role.video_mask([lent]) == role.mask("guest")
    assert role.video_mask([VideoPath(at_home=False, role="guest", adder_role="owner")]) == role.mask("guest")


def test_a_cut_elsewhere_is_worth_nothing_once_its_adder_is_out() -> None:
    assert role.video_mask([VideoPath(at_home=False, role="owner", adder_role="")]) == 0


def test_rights_on_a_video_are_the_union_over_its_cuts() -> None:
    paths = [VideoPath(at_home=False, role="owner", adder_role="guest"), VideoPath(True, "reviewer", "")]
    assert role.video_mask(paths) == role.mask("reviewer") | role.mask("guest")


def test_a_cut_in_the_trash_is_seen_by_those_alone_who_can_restore_it() -> None:
    for name, mask in role.MASKS.items():
        able = bool(mask & role.Permission.UPLOAD)
        assert role.video_mask([VideoPath(True, name, "", in_trash=True)]) == (mask if able else 0)
    both = [VideoPath(True, "guest", "", in_trash=True), VideoPath(True, "guest", "")]
    assert role.video_mask(both) == role.mask("guest")
