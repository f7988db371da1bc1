"""What watchers are told."""

from svc_project.core.change import Changes, Notice, Pending
from svc_project.core.model import Kind, PersonId, Resource, SessionId

ANNA, BEN = PersonId("anna"), PersonId("ben")
PROJECT, VIDEO = Resource(Kind.PROJECT, 1), Resource(Kind.VIDEO, 2)


def started(limit: int = 10) -> Pending:
    pending = Pending(limit)
    pending.take([])
    return pending


def test_the_first_message_is_everything_with_the_sessions_that_ended() -> None:
    pending = Pending(10)
    assert pending.waiting()
    assert pending.take([SessionId("b"), SessionId("a")]) == Notice(
        everything=True, sessions=(SessionId("a"), SessionId("b"))
    )
    assert not pending.waiting()


def test_nothing_new_is_a_heartbeat() -> None:
    assert started().take([SessionId("a")]) == Notice()


def test_changes_gather_until_they_are_taken_each_once() -> None:
    pending = started()
    pending.add(Changes(people={ANNA}, resources={VIDEO}))
    pending.add(Changes(people={BEN, ANNA}, resources={PROJECT}, sessions={SessionId("s")}))
    assert pending.waiting()
    assert pending.take([]) == Notice((ANNA, BEN), (PROJECT, VIDEO), (SessionId("s"),))
    assert pending.take([]) == Notice()


def test_more_than_the_limit_is_everything() -> None:
    pending = started(limit=2)
    pending.add(Changes(people={ANNA, BEN}, resources={PROJECT}))
    pending.add(Changes(people={ANNA}))
    assert pending.take([SessionId("s")]) == Notice(everything=True, sessions=(SessionId("s"),))
    pending.add(Changes(people={ANNA}))
    assert pending.take([]) == Notice((ANNA,))


def test_what_changes_afterwards_does_not_change_what_was_gathered() -> None:
    changes = Changes(people={ANNA})
    first, second = started(), started()
    first.add(changes)
    second.add(changes)
    first.add(Changes(people={BEN}))
    assert second.take([]) == Notice((ANNA,))
    assert changes.people == {ANNA}


def test_empty_changes_are_none() -> None:
    assert not Changes()
    assert Changes(sessions={SessionId("s")})
