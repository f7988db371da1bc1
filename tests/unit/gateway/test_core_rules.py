"""Small rules of the gateway: rates, addresses behind proxies, origins, metadata."""

import contextlib
import re
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Config
from gateway.core.forwarded import client_address, networks, place
from gateway.core.grpcweb import ProtocolError, decode_binary, encode_binary
from gateway.core.limit import Buckets, Rate
from gateway.core.metadata import MetadataTooLarge, bearer_of, cookie_of, passed_on, timeout_s
from gateway.core.origin import Origins
from gateway.limiter import ADDRESS_PEOPLE, BURST_S, SIGN_IN_BURST_S, MemoryLimiter, Policy

TEN = Rate(10, 5)
FRIEND = "https://review.example.com"
GET, LIST = "/a.B/Get", "/a.B/List"
LATIN = st.text(st.characters(max_codepoint=255), max_size=30)
"""What stands in headers, as they are read."""


# -- rates --------------------------------------------------------------------------------------------------------


def test_a_burst_is_let_through_and_then_the_rate() -> None:
    buckets = Buckets(10)
    assert [buckets.take([("k", TEN)], 100.0) for _ in range(5)] == [0.0] * 5
    wait_s = buckets.take([("k", TEN)], 100.0)
    assert wait_s == pytest.approx(0.1)
    assert buckets.take([("k", TEN)], 100.0 + wait_s) == 0.0


@given(st.lists(st.floats(0, 0.3), max_size=60))
def test_no_more_than_the_burst_and_the_rate_ever_gets_through(gaps: list[float]) -> None:
    buckets, now, taken = Buckets(10), 0.0, 0
    for gap in gaps:
        now += gap
        taken += buckets.take([("k", TEN)], now) == 0.0
        assert taken <= TEN.burst + now * TEN.per_s + 1e-6


def test_nothing_is_taken_unless_all_have_enough() -> None:
    buckets = Buckets(10)
    one = Rate(1, 1)
    assert buckets.take([("small", one)], 0.0) == 0.0
    assert buckets.take([("large", TEN), ("small", one)], 0.0) == pytest.approx(1.0)
    assert [buckets.take([("large", TEN)], 0.0) for _ in range(6)].count(0.0) == 5


def test_keys_do_not_share() -> None:
    buckets = Buckets(10)
    for _ in range(5):
        buckets.take([("a", TEN)], 0.0)
    assert buckets.take([("a", TEN)], 0.0) > 0
    assert buckets.take([("b", TEN)], 0.0) == 0.0


def test_memory_is_bounded_and_who_is_slowed_down_is_remembered() -> None:
    buckets = Buckets(100)
    for _ in range(5):
        buckets.take([("guilty", Rate(0.001, 5))], 0.0)
    for number in range(1_000):
        buckets.take([(f"k{number}", TEN)], number / 1_000)
        assert len(buckets) <= 100
    assert buckets.take([("guilty", Rate(0.001, 5))], 1.0) > 0


def test_whoever_has_everything_again_makes_room_first() -> None:
    buckets = Buckets(3)
    buckets.take([("slow", Rate(0.001, 1))], 0.0)
    for key in ("a", "b"):
        buckets.take([(key, TEN)], 0.0)
    buckets.take([("c", TEN)], 100.0)
    assert len(buckets) == 2
    assert buckets.take([("slow", Rate(0.001, 1))], 100.0) > 0


# -- addresses ----------------------------------------------------------------------------------------------------

PROXIES = networks(("10.0.0.0/8", "fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.2.3.4", "198.51.100.7"),
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "somewhere", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7:1234", "198.51.100.7"),
        ("fd00::1", "[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"),
        ("", "198.51.100.7", ""),
    ],
)
def test_an_address_is_believed_as_far_as_trusted_proxies_wrote_it(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == address


@given(st.sampled_from(("10.0.0.1", "fd00::1", "198.51.100.1", "")), st.text("0123456789abcdef.:[], %/x", max_size=60))
def test_whatever_is_forwarded_there_is_one_address(peer: str, forwarded: str) -> None:
    address = client_address(peer, forwarded, PROXIES)
    assert address == peer or address == str(ip_address(address))
    assert place(place(address)) == place(address)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("", ""),
    ],
)
def test_whoever_has_an_address_of_ipv6_counts_as_one_with_all_that_are_theirs(address: str, counted: str) -> None:
    assert place(address) == counted


def test_guesses_from_addresses_of_one_network_count_together() -> None:
    policy, limiter = Policy(0.0, 1.0), MemoryLimiter()
    waits = [limiter.take(policy.demands("/auth/sign-in", "", f"2001:db8::{at}")) for at in range(1, 11)]
    assert sum(wait == 0 for wait in waits) == SIGN_IN_BURST_S


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert client_address("10.0.0.1", "198.51.100.7", ()) == "10.0.0.1"


def let_through(policy: Policy, buckets: Buckets, now: float, path: str, person: str, address: str = "a") -> int:
    """How many of a thousand calls that come at once."""
    return sum(buckets.take(policy.demands(path, person, address), now) == 0.0 for _ in range(1_000))


def test_unless_it_is_set_a_person_has_a_hundred_calls_a_second_and_an_address_five_sign_ins() -> None:
    policy, buckets = Policy(Config().person_calls_s, Config().sign_ins_s), Buckets(1_000)
    assert let_through(policy, buckets, 0.0, GET, "ada") == 100 * BURST_S
    assert let_through(policy, buckets, 1.0, GET, "ada") == 100
    assert let_through(policy, buckets, 1.0, GET, "bob") == 100 * BURST_S, "each has their own"
    assert let_through(policy, buckets, 1.0, "/auth/sign-in", "") == 5 * SIGN_IN_BURST_S
    assert let_through(policy, buckets, 2.0, "/auth/sign-in", "") == 5
    assert let_through(policy, buckets, 2.0, "/auth/sign-in", "", "b") == 5 * SIGN_IN_BURST_S


def test_many_people_at_one_address_have_what_ten_of_them_have_and_a_method_has_a_rate_besides() -> None:
    policy, buckets = Policy(10.0, 0.0, {LIST: 1.0}), Buckets(1_000)
    counts = [let_through(policy, buckets, 0.0, GET, f"person {number}") for number in range(ADDRESS_PEOPLE + 1)]
    assert counts == [10 * BURST_S] * ADDRESS_PEOPLE + [0]
    assert let_through(policy, buckets, 0.0, GET, f"person {ADDRESS_PEOPLE}", "b") == 10 * BURST_S
    assert let_through(policy, buckets, 0.0, LIST, "ada", "c") == BURST_S
    assert let_through(policy, buckets, 0.0, GET, "ada", "c") == (10 - 1) * BURST_S
    assert let_through(policy, buckets, 0.0, LIST, "", "d") == BURST_S, "who is not known counts by address"


# -- origins ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ({}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": "https://here:8443", "host": "here:8443"}, True),
        ({"origin": "https://here", "host": "here:8443"}, False),
        ({"origin": FRIEND, "host": "here"}, True),
        ({"origin": FRIEND.upper(), "host": "here"}, True),
        ({"origin": FRIEND + ".evil.com", "host": "here"}, False),
        ({"origin": "null", "host": "here"}, False),
        ({"origin": "http://[", "host": "here"}, False),
        ({"origin": "file://here", "host": "here"}, False),
    ],
)
def test_pages_of_other_origins_may_not_call_but_for_friends(headers: dict[str, str], admitted: bool) -> None:
    assert Origins((FRIEND,)).admits(headers) is admitted


def test_a_friend_is_told_what_it_may() -> None:
    origins = Origins((FRIEND + "/",))
    asked = {"origin": FRIEND, "access-control-request-headers": "x-one, grpc-timeout"}
    assert dict(origins.answer(asked))["Access-Control-Allow-Origin"] == FRIEND
    preflight = dict(origins.preflight(asked))
    assert preflight["Access-Control-Allow-Headers"] == "x-one, grpc-timeout"
    assert int(preflight["Access-Control-Max-Age"]) > 0
    assert origins.preflight({"origin": "https://evil.example.com"}) == []
    assert "Access-Control-Allow-Headers" not in dict(origins.preflight({"origin": FRIEND}))


def test_a_gateway_without_users_lets_every_page_call() -> None:
    origins = Origins((), everybody=True)
    assert origins.admits({"origin": "https://any.example.com"})
    assert origins.friend({"origin": "https://any.example.com"}) == "https://any.example.com"
    assert Origins(()).answer({}) == []


# -- metadata -----------------------------------------------------------------------------------------------------


def test_what_is_the_connection_s_is_not_passed_on() -> None:
    fields = [("Host", "here"), ("Cookie", "a=b"), ("Authorization", "Bearer x"), ("sec-fetch-site", "none"),
              ("grpc-timeout", "1S"), ("X-One", "1"), ("x-bad", "\x01"), ("x!y", "1"), ("rushes-client", "me"),
              ("rushes-service", "svc_project.1"), ("x-forwarded-for", "1.1.1.1")]  # fmt: skip
    assert passed_on(fields) == [("x-one", "1")]
    assert passed_on(fields, keep=frozenset(("authorization",))) == [("authorization", "Bearer x"), ("x-one", "1")]


def test_binary_metadata_is_sound_base64_without_padding() -> None:
    assert passed_on([("x-bin", "AA=="), ("y-bin", "AAE, AQ==")]) == [
        ("x-bin", "AA"), ("y-bin", "AAE"), ("y-bin", "AQ"),
    ]  # fmt: skip
    with pytest.raises(ProtocolError):
        passed_on([("x-bin", "not base64!")])


@given(st.lists(st.tuples(st.sampled_from(("x-one", "X-Bin", "grpc-x", "sec-x", "te")) | LATIN, LATIN), max_size=6))
def test_any_headers_are_metadata_that_servers_take_or_are_refused(fields: list[tuple[str, str]]) -> None:
    try:
        found = passed_on(fields)
    except ProtocolError:
        return
    for name, value in found:
        assert re.fullmatch("[0-9a-z_.-]+", name)
        assert re.fullmatch("[ -~]*", value)
        assert not name.startswith(("grpc-", "sec-"))
        assert name != "te"
        if name.endswith("-bin"):
            assert encode_binary(decode_binary(value)) == value


@given(LATIN, st.text("0123456789HMSmun", max_size=10))
def test_any_text_is_a_token_a_cookie_or_a_time_or_none(text: str, time: str) -> None:
    assert re.fullmatch("[ -~]*", bearer_of(text) + bearer_of(f"Bearer {text}"))
    assert cookie_of(text, "rushes_session") in text
    for one in (text, time):
        with contextlib.suppress(ProtocolError):
            assert (timeout_s(one) or 0.0) >= 0.0


def test_more_metadata_than_servers_take_is_refused() -> None:
    with pytest.raises(MetadataTooLarge):
        passed_on([(f"x-{number}", "x" * 1_000) for number in range(16)])


@pytest.mark.parametrize(
    ("text", "seconds"), [("", None), ("0n", 0.0), ("2H", 7200.0), ("3M", 180.0), ("5S", 5.0), ("250m", 0.25)]
)
def test_a_timeout_is_read(text: str, seconds: float | None) -> None:
    assert timeout_s(text) == seconds


@pytest.mark.parametrize("text", ["S", "1x", "123456789S", "-1S", "1.5S", "1 S", "\u0661S"])
def test_a_timeout_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        timeout_s(text)


def test_tokens_are_found_in_headers_and_cookies() -> None:
    assert (bearer_of("bearer  abc "), bearer_of("Basic abc"), bearer_of("")) == ("abc", "", "")
    assert [bearer_of(f"Bearer a{each}c") for each in ("\xff", "\udcff", "\0", "\x7f")] == [""] * 4
    cookies = 'a=1; rushes_session="s3=cr"; b'
    assert (cookie_of(cookies, "rushes_session"), cookie_of(cookies, "session"), cookie_of("", "a")) == (
        "s3=cr",
        "",
        "",
    )
