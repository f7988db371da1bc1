"""Heads of requests and bodies in chunks: read in one way, or refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.head import Chunks, HeadError, parse

LINES = b"POST /a.B/C?x=1 HTTP/1.1\r\nHost: here\r\n"


def head(*lines: bytes, first: bytes = b"POST / HTTP/1.1", host: bytes = b"Host: here") -> bytes:
    """A head of these lines."""
    return b"\r\n".join([first, *([host] if host else []), *lines, b"", b""])


def test_a_head_says_what_is_asked_for() -> None:
    found = parse(head(b"Content-Length: 12 ", b"X-Two:  a b\t", b"x-two: c", first=b"PUT /a?b=/c HTTP/1.1"))
    assert (found.method, found.target, found.path, found.version, found.size) == ("PUT", "/a?b=/c", "/a", 1, 12)
    assert found.get("x-two") == "a b, c"
    assert found.fields[1:] == [("content-length", "12"), ("x-two", "a b"), ("x-two", "c")]


def test_a_body_without_length_has_none_and_chunks_have_no_length() -> None:
    assert parse(head()).size == 0
    assert parse(head(b"Transfer-Encoding: chunked")).size is None


@pytest.mark.parametrize(
    ("connection", "version", "lasts"),
    [
        (b"", b"1", True),
        (b"close", b"1", False),
        (b"x, Close", b"1", False),
        (b"", b"0", False),
        (b"keep-alive", b"0", True),
    ],
)
def test_a_connection_lasts_as_long_as_both_want(connection: bytes, version: bytes, lasts: bool) -> None:
    found = parse(head(b"Connection: " + connection, first=b"POST / HTTP/1." + version))
    assert found.keep_alive is lasts


def test_an_upgrade_is_seen() -> None:
    assert parse(head(b"Upgrade: websocket")).upgrade
    assert parse(head(first=b"CONNECT / HTTP/1.1")).upgrade
    assert not parse(head()).upgrade


SMUGGLED = {
    "two lengths": [b"Content-Length: 1", b"Content-Length: 2"],
    "the same length twice": [b"Content-Length: 1", b"Content-Length: 1"],
    "length and chunks": [b"Content-Length: 1", b"Transfer-Encoding: chunked"],
    "chunks and length": [b"Transfer-Encoding: chunked", b"Content-Length: 1"],
    "a length with a sign": [b"Content-Length: +1"],
    "a length in two parts": [b"Content-Length: 1, 1"],
    "a length below nothing": [b"Content-Length: -1"],
    "a length in hexadecimal": [b"Content-Length: 0x10"],
    "no length": [b"Content-Length:"],
    "a space before the colon": [b"Content-Length : 1"],
    "a tab before the colon": [b"Transfer-Encoding\t: chunked"],
    "a folded line": [b"X-One: 1", b" Content-Length: 2"],
    "a line feed alone": [b"X-One: 1\nContent-Length: 2"],
    "a return alone": [b"X-One: 1\rContent-Length: 2"],
    "a zero byte": [b"X-One: 1\0"],
    "no name": [b": 1"],
    "no colon": [b"Content-Length"],
    "two hosts": [b"Host: there"],
    "coding twice": [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"],
    "coding of two": [b"Transfer-Encoding: gzip, chunked"],
    "coding of nothing": [b"Transfer-Encoding: identity"],
    "coding with a tail": [b"Transfer-Encoding: chunked\x0b"],
    "two types": [b"Content-Type: a/b", b"Content-Type: c/d"],
}


@pytest.mark.parametrize("lines", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_what_two_servers_could_read_differently_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(HeadError) as caught:
        parse(head(*lines))
    assert caught.value.status in (400, 501)


@pytest.mark.parametrize(
    "first",
    [b"POST  / HTTP/1.1", b"POST / HTTP/1.2", b"POST / HTTP/2.0", b"post / HTTP/1.1", b"POST /a b HTTP/1.1", b"POST /",
     b" POST / HTTP/1.1", b"POST /\xff HTTP/1.1", b"POST / HTTP/1.1 ", b"\x16\x03\x01",
     b"POST /a#b HTTP/1.1"],
)  # fmt: skip
def test_a_first_line_that_is_none_is_refused(first: bytes) -> None:
    with pytest.raises(HeadError):
        parse(head(first=first))


def test_a_head_without_host_is_refused_in_1_1_alone() -> None:
    assert parse(head(first=b"GET / HTTP/1.0", host=b"")).version == 0
    with pytest.raises(HeadError, match="host"):
        parse(head(host=b""))


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://here/a/b?c", "/a/b"),
        (b"HTTPS://HERE", "/"),
        (b"http://here?c=/d", "/"),
        (b"/a?http://there/", "/a"),
        (b"*", "*"),
    ],
)
def test_an_address_in_full_is_its_path(target: bytes, path: str) -> None:
    assert parse(head(first=b"GET " + target + b" HTTP/1.1")).path == path


@pytest.mark.parametrize("target", [b"http://there/", b"http://here:81/", b"http://me@here/", b"http://"])
def test_an_address_of_another_host_than_is_said_is_refused(target: bytes) -> None:
    with pytest.raises(HeadError, match="host"):
        parse(head(first=b"GET " + target + b" HTTP/1.1"))


def test_chunks_in_1_0_are_refused() -> None:
    with pytest.raises(HeadError):
        parse(head(b"Transfer-Encoding: chunked", first=b"POST / HTTP/1.0"))


def test_too_many_headers_are_refused() -> None:
    with pytest.raises(HeadError) as caught:
        parse(head(*[b"X-%d: 1" % number for number in range(200)]))
    assert caught.value.status == 431


@given(st.binary(max_size=300))
def test_any_bytes_give_a_head_or_a_refusal(data: bytes) -> None:
    for block in (data, LINES + data + b"\r\n\r\n"):
        with contextlib.suppress(HeadError):
            found = parse(block)
            assert found.size is None or found.size >= 0


# -- chunks -------------------------------------------------------------------------------------------------------


def chunked(pieces: list[bytes]) -> bytes:
    """A body in chunks."""
    return b"".join(b"%x;note=1\r\n%b\r\n" % (len(one), one) for one in pieces if one) + b"0\r\nX-Last: 1\r\n\r\n"


@given(st.lists(st.binary(max_size=40), max_size=6), st.binary(max_size=20), st.data())
def test_a_body_in_chunks_comes_out_however_it_is_cut(pieces: list[bytes], rest: bytes, data: st.DataObject) -> None:
    stream, chunks, at, left = chunked(pieces) + rest, Chunks(10_000), 0, b""
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream) - at))
        if chunks.done:
            left += stream[at : at + step]
        else:
            left += chunks.feed(stream[at : at + step])
        at += step
    assert chunks.done
    assert (bytes(chunks.body), left) == (b"".join(pieces), rest)


@pytest.mark.parametrize(
    ("stream", "status"),
    [
        (b"x\r\n", 400),
        (b"-1\r\n", 400),
        (b"\r\n", 400),
        (b"0x1\r\n", 400),
        (b"1 \r\n", 400),
        (b"fffffffff\r\n", 400),
        (b"2\r\nabc\r\n", 400),
        (b"1\nabc", 400),
        (b"1" * 400, 400),
        (b"ff\r\n", 413),
        (b"0\r\n" + b"X: 12345678901234567890\r\n" * 2_000, 431),
    ],
)
def test_chunks_that_are_none_are_refused(stream: bytes, status: int) -> None:
    with pytest.raises(HeadError) as caught:
        Chunks(100).feed(stream + b"\r\n" * 3 if status == 400 and stream[-1:] != b"1" else stream)
    assert caught.value.status == status


@given(st.binary(max_size=200))
def test_any_bytes_give_a_body_within_the_limit_or_a_refusal(data: bytes) -> None:
    chunks = Chunks(50)
    try:
        chunks.feed(data)
    except HeadError:
        return
    assert len(chunks.body) <= 50
