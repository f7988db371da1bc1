"""How long invitations, sessions and keys last."""

from dataclasses import replace

import pytest

from svc_project.core import invitation as invitations
from svc_project.core import key as keys
from svc_project.core import session as sessions
from svc_project.core.errors import InvalidField, InvitationClosed
from svc_project.core.model import (
    Invitation,
    InvitationId,
    PersonId,
    ProjectId,
    Session,
    SessionId,
    SigningKey,
    TenantId,
)

HOUR_MS = 3_600_000
INVITATION = Invitation(
    InvitationId("i"), TenantId("t"), ProjectId(1), "guest", PersonId("p"), 0, 1000, 2, uses=0, revoked=False
)
SESSION = Session(SessionId("s"), TenantId("t"), PersonId("p"), 0, 24 * HOUR_MS)
SCHEDULE = keys.Schedule(lifetime_ms=100_000, lead_ms=10_000, token_ms=5_000, slack_ms=1_000)


def test_an_invitation_lets_in_until_it_expires() -> None:
    invitations.check_open(INVITATION, 999, new_use=True)
    with pytest.raises(InvitationClosed, match="has expired"):
        invitations.check_open(INVITATION, 1000, new_use=True)


def test_a_withdrawn_invitation_lets_nobody_in() -> None:
    with pytest.raises(InvitationClosed, match="was withdrawn"):
        invitations.check_open(replace(INVITATION, revoked=True), 0, new_use=False)


def test_a_used_up_invitation_lets_in_only_who_is_in() -> None:
    used = replace(INVITATION, uses=2)
    invitations.check_open(used, 0, new_use=False)
    with pytest.raises(InvitationClosed, match="is used up"):
        invitations.check_open(used, 0, new_use=True)


def test_invitations_last_a_week_unless_said_otherwise() -> None:
    assert invitations.check_lifetime(0) == 7 * 86_400
    assert invitations.check_lifetime(60) == 60
    assert invitations.check_uses(0) == 1000
    assert invitations.check_uses(1) == 1
    for lifetime_s in (-1, 365 * 86_400 + 1):
        with pytest.raises(InvalidField):
            invitations.check_lifetime(lifetime_s)
    with pytest.raises(InvalidField):
        invitations.check_uses(-1)


def test_a_session_is_open_until_it_ends_or_runs_out() -> None:
    assert sessions.is_open(SESSION, 24 * HOUR_MS - 1)
    assert not sessions.is_open(SESSION, 24 * HOUR_MS)
    assert not sessions.is_open(replace(SESSION, ended_ms=5), 6)


def test_a_session_in_use_slides_but_not_with_every_use() -> None:
    assert sessions.slide(SESSION, HOUR_MS - 1, 24 * HOUR_MS) is None
    assert sessions.slide(SESSION, HOUR_MS, 24 * HOUR_MS) == 25 * HOUR_MS


def test_the_first_key_signs_at_once() -> None:
    assert keys.plan([], 50, SCHEDULE) == keys.Plan(50, ())
    assert keys.signing([], 50) is None


def test_the_next_key_is_published_ahead_and_signs_when_the_last_retires() -> None:
    first = keys.make("a", b"", 0, 0, SCHEDULE)
    assert keys.plan([first], 89_999, SCHEDULE) == keys.Plan(None, ())
    assert keys.plan([first], 90_000, SCHEDULE) == keys.Plan(100_000, ())
    second = keys.make("b", b"", 90_000, 100_000, SCHEDULE)
    both = [first, second]
    assert keys.plan(both, 95_000, SCHEDULE) == keys.Plan(None, ())
    assert keys.signing(both, 99_999) == first
    assert keys.signing(both, 100_000) == second


def test_a_retired_key_stays_published_until_its_last_token_has_expired() -> None:
    first = keys.make("a", b"", 0, 0, SCHEDULE)
    second = keys.make("b", b"", 90_000, 100_000, SCHEDULE)
    assert keys.plan([first, second], 105_999, SCHEDULE).drop == ()
    assert keys.plan([first, second], 106_000, SCHEDULE).drop == ("a",)


def test_after_a_long_rest_a_new_key_signs_at_once() -> None:
    old = keys.make("a", b"", 0, 0, SCHEDULE)
    assert keys.plan([old], 10**9, SCHEDULE) == keys.Plan(10**9, ("a",))


def test_there_is_a_key_that_signs_at_every_moment_and_one_that_verifies_every_token() -> None:
    held: list[SigningKey] = []
    signed: list[tuple[int, str]] = []
    for now_ms in range(0, 1_000_000, 2_500):
        plan = keys.plan(held, now_ms, SCHEDULE)
        held = [key for key in held if key.kid not in plan.drop]
        if plan.make_signs_ms is not None:
            held.append(keys.make(str(now_ms), b"", now_ms, plan.make_signs_ms, SCHEDULE))
        signer = keys.signing(held, now_ms)
        assert signer is not None
        signed.append((now_ms, signer.kid))
        published = {key.kid for key in held}
        assert {kid for at_ms, kid in signed if at_ms + SCHEDULE.token_ms > now_ms} <= published
        assert len(held) <= 3
