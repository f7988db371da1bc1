"""Who asks for a WebSocket as one has to, and the answer."""

import pytest

from gateway.core import handshake

ASKED = {
    "upgrade": "websocket",
    "connection": "keep-alive, Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_a_proper_handshake_is_known() -> None:
    assert handshake.is_handshake(ASKED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("upgrade", "h2c"),
        ("connection", "keep-alive"),
        ("sec-websocket-version", "8"),
        ("sec-websocket-key", "short"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ"),
        ("sec-websocket-key", "dGhlIHNhbXBsZQ=="),
        ("sec-websocket-key", "ü" * 24),
        ("sec-websocket-key", ""),
    ],
)
def test_what_is_none_is_not(name: str, value: str) -> None:
    assert not handshake.is_handshake({**ASKED, name: value})


def test_the_answer_is_that_of_the_standard() -> None:
    said = handshake.answer(ASKED["sec-websocket-key"], "rushes-streams", b"server: x\r\n")
    assert said.startswith(b"HTTP/1.1 101 ")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in said  # RFC 6455, 1.3
    assert said.endswith(b"\r\nSec-WebSocket-Protocol: rushes-streams\r\nserver: x\r\n\r\n")


def test_subprotocols_are_what_is_between_the_commas() -> None:
    assert handshake.subprotocols({"sec-websocket-protocol": " a, b ,,c"}) == ["a", "b", "c"]
    assert handshake.subprotocols({}) == []


def test_what_was_agreed_of_extensions_is_said() -> None:
    said = handshake.answer(ASKED["sec-websocket-key"], "a", b"server: x\r\n", "some; thing")
    assert said.endswith(b"\r\nSec-WebSocket-Extensions: some; thing\r\nserver: x\r\n\r\n")
