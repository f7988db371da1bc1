"""How many connections and streams somebody has at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.forwarded import networks
from gateway.core.http2 import Connection
from gateway.core.tally import Tally
from gateway.door import TOO_MANY_HTTP2, Connections
from gateway.holding import RETRY_S, Streams, TooManyStreams
from gateway.limiter import ADDRESS_PEOPLE

PROXY, OFFICE, HOME = "10.0.0.1", "203.0.113.7", "198.51.100.9"


@given(st.integers(1, 4), st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_nobody_has_more_than_they_may_and_who_has_none_is_forgotten(most: int, steps: list[tuple[str, bool]]) -> None:
    tally, has = Tally(most), dict.fromkeys("abc", 0)
    for key, more in steps:
        if more:
            assert tally.take(key) == (has[key] < most)
            has[key] = min(most, has[key] + 1)
        elif has[key]:
            tally.give(key)
            has[key] -= 1
    assert len(tally) == sum(count > 0 for count in has.values())


def test_without_a_limit_nobody_is_counted() -> None:
    tally = Tally(0)
    assert all(tally.take("a") for _ in range(1_000))
    assert not len(tally)


def test_a_person_has_so_many_streams_and_an_address_ten_times_as_many() -> None:
    streams = Streams(2)
    held = [streams.begin(f"person {at // 2}", OFFICE) for at in range(2 * ADDRESS_PEOPLE)]
    for person, address in (("person 0", HOME), ("somebody else", OFFICE)):
        with pytest.raises(TooManyStreams) as caught:
            streams.begin(person, address)
        assert caught.value.retry_after_s == RETRY_S
    for _ in range(2):  # told twice, it has ended once
        held[0]()
    streams.begin("somebody else", OFFICE)
    with pytest.raises(TooManyStreams):
        streams.begin("somebody else", OFFICE)
    streams.begin("person 0", HOME)


def test_one_network_of_ipv6_is_one_address() -> None:
    streams, connections = Streams(1), Connections(1)
    streams.begin("", "2001:db8::1")
    with pytest.raises(TooManyStreams):
        streams.begin("", "2001:db8::2")
    assert connections.begin("2001:db8::1") is not None
    assert connections.begin("2001:db8::2") is None
    assert connections.begin("2001:db8:0:1::2") is not None


def test_a_stream_is_held_for_as_long_as_its_block_whatever_ends_it() -> None:
    streams = Streams(1)
    for _ in range(3):
        with pytest.raises(ConnectionError), streams.held("", HOME):
            raise ConnectionError
    with streams.held("", HOME), pytest.raises(TooManyStreams):
        streams.begin("", HOME)


def test_connections_count_by_their_address_and_those_of_a_proxy_by_the_sockets_it_brings() -> None:
    connections = Connections(1, networks([PROXY]))
    first = connections.begin(OFFICE)
    assert first is not None
    assert connections.begin(OFFICE) is None
    assert all(connections.begin(PROXY) for _ in range(9))
    assert [connections.crowded(PROXY, address) for address in (OFFICE, HOME)] == [True, False]
    socket = connections.begin_socket(PROXY, HOME)
    assert connections.crowded(PROXY, HOME)
    assert connections.begin(HOME) is None
    socket()
    first()
    assert connections.begin(HOME)
    assert connections.begin(OFFICE)
    connections.begin_socket(OFFICE, OFFICE)()
    assert connections.begin(OFFICE) is None, "a WebSocket without a proxy is a connection that was counted"


def test_a_program_that_has_too_many_connections_is_told_to_make_its_calls_elsewhere() -> None:
    said: list[str] = []

    class Call:
        """A receiver that notes how it ended."""

        def __getattr__(self, name: str) -> object:
            return lambda *_: said.append(name)

    connection = Connection()
    connection.open(b"", b"", Call())  # type: ignore[arg-type]
    connection.receive(TOO_MANY_HTTP2)
    assert "on_unprocessed" in said
