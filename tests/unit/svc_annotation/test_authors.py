"""Who made a commit, said once and then by a number."""

from collections.abc import Iterable

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1.operation_pb2 import Commit, Operation, SetDeletedOperation
from svc_annotation.core.authors import MAX_AUTHORS, Authors
from svc_annotation.core.landed import CLIENT, INTERNAL, Landed
from svc_annotation.core.lane import full_frames

ANN, BOB = "01ANN", "01BOB"
ONE, TWO = b"1" * 16, b"2" * 16


def commit(revision: int, person_id: str = ANN, client_id: bytes = ONE) -> Commit:
    operation = Operation(set_deleted=SetDeletedOperation(id=b"i" * 16, deleted=True))
    return Commit(
        revision=revision,
        person_id=person_id,
        client_id=client_id,
        client_seq=revision,
        base_revision=7,
        time_ms=1_700_000_000_000,
        operations=[operation],
    )


def brief(authors: Authors, told: Commit) -> Commit:
    return Commit.FromString(authors.brief(told.revision, told.SerializeToString()))


def numbers(named: bytes) -> list[tuple[int, str, bytes]]:
    return [(each.number, each.person_id, each.client_id) for each in service.Committed.FromString(named).authors]


def landed(commits: Iterable[Commit], hidden: Iterable[int] = ()) -> list[Landed]:
    return [
        Landed(each.revision, each.SerializeToString(), b"" if each.revision in hidden else None, ())
        for each in commits
    ]


def test_a_commit_says_the_revision_that_named_its_author_and_is_else_as_it_was() -> None:
    authors = Authors()
    for revision, number in ((5, 5), (6, 5), (1 << 40, 5)):
        expected = commit(revision, "", b"")
        expected.author = number
        assert authors.brief(revision, commit(revision).SerializeToString()) == expected.SerializeToString()
    assert numbers(authors.take_new()) == [(5, ANN, ONE)]
    assert authors.take_new() == b""


def test_a_person_with_two_clients_is_two_authors() -> None:
    authors = Authors()
    told = [
        brief(authors, commit(each, person, client)).author
        for each, person, client in (
            (1, ANN, ONE),
            (2, ANN, TWO),
            (300, BOB, ONE),
            (301, ANN, TWO),
            (302, BOB, ONE),
        )
    ]
    assert told == [1, 2, 300, 2, 300]
    assert numbers(authors.all()) == [(1, ANN, ONE), (2, ANN, TWO), (300, BOB, ONE)]


def test_names_of_any_length_and_revisions_of_any_size_are_told_apart() -> None:
    authors = Authors()
    expected: dict[tuple[str, bytes], int] = {}
    revision = 0
    for step in (1, 126, 1, 1, 16_255, 1, 1 << 40):
        for person, client in (("a", ONE), ("a" * 26, ONE), ("a" * 26, b"1"), ("a", ONE)):
            revision += step
            told = commit(revision, person, client)
            number = expected.setdefault((person, client), revision)
            told.ClearField("person_id")
            told.ClearField("client_id")
            told.author = number
            assert brief(authors, commit(revision, person, client)) == told


def test_a_commit_without_a_person_or_a_client_or_with_very_long_names_stays_as_it_is() -> None:
    authors = Authors()
    for odd in (
        commit(1, ""),
        commit(2, ANN, b""),
        commit(3, "", b""),
        commit(4, "x" * 200),
        commit(5, ANN, bytes(200)),
    ):
        assert brief(authors, odd) == odd
    assert authors.all() == b""


def test_past_its_bound_all_are_named_anew_under_numbers_never_used_before() -> None:
    authors = Authors()
    for revision in range(1, MAX_AUTHORS + 2):
        authors.brief(revision, commit(revision, client_id=revision.to_bytes(16, "big")).SerializeToString())
    assert [number for number, _, _ in numbers(authors.all())] == [MAX_AUTHORS + 1]
    again = commit(MAX_AUTHORS + 2, client_id=(1).to_bytes(16, "big"))
    assert brief(authors, again).author == MAX_AUTHORS + 2
    named = numbers(authors.take_new())
    assert [number for number, _, _ in named] == list(range(1, MAX_AUTHORS + 3))


def test_frames_of_the_numbered_lane_name_an_author_with_its_first_commit() -> None:
    authors = Authors()
    [first] = full_frames(0, landed([commit(1), commit(2, BOB), commit(3)]), INTERNAL, authors)
    [second] = full_frames(3, landed([commit(4, BOB), commit(5, client_id=TWO)]), INTERNAL, authors)
    told = service.CollaborateResponse.FromString(first.payload).committed
    assert [(each.revision, each.author, each.person_id) for each in told.commits] == [
        (1, 1, ""),
        (2, 2, ""),
        (3, 1, ""),
    ]
    assert numbers(first.authors) == [(1, ANN, ONE), (2, BOB, ONE)]
    assert list(told.authors) == list(service.Committed.FromString(first.authors).authors)
    assert numbers(second.authors) == [(5, ANN, TWO)]


def test_clients_are_not_told_of_who_made_only_what_they_may_not_read() -> None:
    frames = full_frames(0, landed([commit(1, BOB), commit(2)], hidden=[1]), CLIENT, authors := Authors())
    assert [numbers(each.authors) for each in frames] == [[], [(2, ANN, ONE)]]
    assert BOB.encode() not in b"".join(each.payload for each in frames) + authors.all()
