"""Link headers of WHIP and WHEP."""

from gateway.core.link import links
from rushes.signaling.v1.room_service_pb2 import IceServer


def test_each_address_is_a_link_and_credentials_are_quoted() -> None:
    found = links(
        [
            IceServer(urls=["stun:stun.example.net"]),
            IceServer(urls=["turn:turn.example.net?transport=udp"], username='1:a"b\n', credential="x\\y="),
        ]
    )
    assert found == [
        '<stun:stun.example.net>; rel="ice-server"',
        '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="1:a\\"b"; credential="x\\\\y="; '
        'credential-type="password"',
    ]


def test_an_address_that_would_break_the_header_is_left_out() -> None:
    assert links([IceServer(urls=["stun:a>\r\nx: y"])]) == []
