"""Documents in parts and pages."""

from collections.abc import Iterable
from itertools import count

import pytest

from rushes.annotation.v1 import annotation_pb2
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.document.wire import PART_BYTES
from svc_annotation.core.encoded import Encoded
from svc_annotation.core.landed import CLIENT, INTERNAL
from svc_annotation.core.part import (
    MAX_PAGED,
    Paged,
    PageExpired,
    Pages,
    by_frame,
    nearest_first,
    snapshot_parts,
)


def state(number: int, first: int = 0, last: int | None = None, size_bytes: int = 0) -> annotation_pb2.AnnotationState:
    note = annotation_pb2.Annotation(
        id=number.to_bytes(16, "big"),
        first_frame=first,
        last_frame=first if last is None else last,
        text="x" * size_bytes,
    )
    return annotation_pb2.AnnotationState(annotation=note, order_revision=number)


def encoded(states: Iterable[annotation_pb2.AnnotationState]) -> list[Encoded]:
    return [Encoded(each) for each in states]


def frames(states: list[Encoded]) -> list[int]:
    return [each.first_frame for each in states]


def test_what_is_near_a_frame_comes_first() -> None:
    states = encoded([state(1, 0), state(2, 50), state(3, 10, 40), state(4, 100), state(5, 52)])
    assert frames(nearest_first(states, 45)) == [50, 10, 52, 0, 100]
    assert frames(by_frame(states)) == [0, 10, 50, 52, 100]


def test_an_empty_document_is_one_part_that_is_the_last() -> None:
    [(index, last, payload)] = snapshot_parts(4, [])
    part = service.CollaborateResponse.FromString(payload).snapshot_part
    assert (index, last, part.index, part.last, part.revision) == (0, True, 0, True, 4)


def test_parts_are_bounded_numbered_and_whole() -> None:
    states = [state(number, size_bytes=60_000) for number in range(50)]
    parts = [
        service.CollaborateResponse.FromString(payload).snapshot_part
        for _, _, payload in snapshot_parts(9, encoded(states))
    ]
    assert [part.index for part in parts] == list(range(len(parts)))
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert all(part.ByteSize() <= 1024 * 1024 for part in parts)
    assert [each for part in parts for each in part.annotations] == states


def paged(states: list[annotation_pb2.AnnotationState], *, person: str = "ann", expires: float = 120.0) -> Paged:
    return Paged(7, person, INTERNAL, 3, encoded(states), expires)


def test_all_pages_are_of_the_first_ones_revision() -> None:
    names = count(1)
    pages = Pages(lambda: f"name{next(names)}")
    states = [state(number, size_bytes=400_000) for number in range(7)]
    page = pages.first(paged(states))
    got = list(page.states)
    while page.next_token:
        assert sum(map(len, page.states)) <= PART_BYTES
        page = pages.next(page.next_token, 7, "ann", INTERNAL, 1.0)
        got += page.states
        assert page.revision == 3
    assert got == [each.delimited for each in encoded(states)]
    assert not pages.first(paged(states[:1])).next_token


@pytest.mark.parametrize(
    ("token", "video", "person", "audience", "now"),
    [
        ("name1.2", 8, "ann", INTERNAL, 1.0),
        ("name1.2", 7, "bob", INTERNAL, 1.0),
        ("name1.2", 7, "ann", CLIENT, 1.0),
        ("name1.2", 7, "ann", INTERNAL, 121.0),
        ("name9.2", 7, "ann", INTERNAL, 1.0),
        ("name1.x", 7, "ann", INTERNAL, 1.0),
        ("name1.9999999999", 7, "ann", INTERNAL, 1.0),
        ("", 7, "ann", INTERNAL, 1.0),
    ],
)
def test_a_token_is_good_for_whom_it_was_given_for_a_while(
    token: str, video: int, person: str, audience: int, now: float
) -> None:
    pages = Pages(lambda: "name1")
    pages.first(paged([state(number, size_bytes=900_000) for number in range(3)]))
    with pytest.raises(PageExpired):
        pages.next(token, video, person, audience, now)  # type: ignore[arg-type]


def test_few_documents_are_kept_and_none_for_long() -> None:
    names = count(1)
    pages = Pages(lambda: f"name{next(names)}")
    states = [state(number, size_bytes=900_000) for number in range(2)]
    for _ in range(MAX_PAGED + 3):
        pages.first(paged(states))
    with pytest.raises(PageExpired):
        pages.next("name3.1", 7, "ann", INTERNAL, 1.0)
    assert pages.next("name4.1", 7, "ann", INTERNAL, 1.0).states
    pages.expire(121.0)
    with pytest.raises(PageExpired):
        pages.next("name4.1", 7, "ann", INTERNAL, 1.0)
