"""The audit chain."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_project.core import chain
from svc_project.core.errors import InvalidField
from svc_project.core.model import ChainedEvent, Event


def event(number: int = 1) -> Event:
    return Event(f"{number:032x}", "default", 1000 + number, "svc_media", "anna", "upload", "video/1", '{"a":1}')


def chained(count: int) -> list[ChainedEvent]:
    links: list[ChainedEvent] = []
    before = chain.GENESIS
    for ordinal in range(1, count + 1):
        before = chain.link(before, ordinal, event(ordinal))
        links.append(ChainedEvent(ordinal, event(ordinal), before))
    return links


def verify(links: list[ChainedEvent]) -> bool:
    verifier = chain.Verifier()
    verifier.walk(links)
    return verifier.intact


def test_a_chain_verifies_in_pieces_and_to_its_end() -> None:
    links = chained(10)
    verifier = chain.Verifier()
    verifier.walk(links[:4])
    verifier.walk(links[4:])
    verifier.end(10, links[-1].hash)
    assert verifier.intact


@given(st.integers(0, 9), st.sampled_from(["time_ms", "service", "person_id", "action", "resource", "detail_json"]))
def test_an_altered_event_shows(at: int, field: str) -> None:
    links = chained(10)
    changed = 7 if field == "time_ms" else "altered"
    links[at] = replace(links[at], event=replace(links[at].event, **{field: changed}))  # type: ignore[arg-type]
    assert not verify(links)


@given(st.integers(0, 8))
def test_a_dropped_or_swapped_event_shows(at: int) -> None:
    links = chained(10)
    assert not verify(links[:at] + links[at + 1 :])
    assert not verify([*links[:at], links[at + 1], links[at], *links[at + 2 :]])


def test_events_cut_off_the_end_show() -> None:
    links = chained(10)
    verifier = chain.Verifier()
    verifier.walk(links[:9])
    assert verifier.intact
    verifier.end(10, links[-1].hash)
    assert not verifier.intact


def test_an_altered_event_with_a_hash_to_match_shows_at_the_next() -> None:
    links = chained(3)
    forged = replace(links[1].event, action="nothing")
    links[1] = ChainedEvent(2, forged, chain.link(links[0].hash, 2, forged))
    assert not verify(links)


def test_a_chain_once_broken_stays_broken() -> None:
    links = chained(3)
    verifier = chain.Verifier()
    verifier.walk(links[1:])
    verifier.walk(links)
    assert not verifier.intact


def test_the_canonical_text_has_sorted_keys_and_no_spaces() -> None:
    assert chain.canonical(event()) == (
        b'{"action":"upload","detail_json":"{\\"a\\":1}","event_id":"00000000000000000000000000000001",'
        b'"person_id":"anna","resource":"video/1","service":"svc_media","tenant_id":"default","time_ms":1001}'
    )


@pytest.mark.parametrize(
    "change",
    [
        {"event_id": "1"},
        {"event_id": "G" * 32},
        {"tenant_id": ""},
        {"action": ""},
        {"action": "x" * 257},
        {"resource": "a\0b"},
        {"time_ms": -1},
        {"time_ms": 2**53},
        {"detail_json": "{"},
        {"detail_json": "[" * 8000},
        {"detail_json": '"' + "x" * 9000 + '"'},
        {"detail_json": '"\0"'},
    ],
)
def test_an_event_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidField):
        chain.check_event(replace(event(), **change))  # type: ignore[arg-type]


def test_an_event_without_detail_is_taken() -> None:
    assert chain.check_event(replace(event(), detail_json="")).detail_json == ""
