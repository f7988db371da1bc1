"""The command line of the gateway that stands alone."""

import pytest

from gateway.arguments import MAX_RECEIVE_BYTES, Arguments, parse

UPSTREAM = ("--upstream", "127.0.0.1:50051")


def test_where_and_whereto_are_all_that_is_needed() -> None:
    found = parse(["--listen", "127.0.0.1:8080", *UPSTREAM])
    assert found == Arguments("127.0.0.1", 8080, "127.0.0.1:50051", MAX_RECEIVE_BYTES, (), False)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("[::1]:8080", "::1", 8080), (":0", "127.0.0.1", 0), ("0.0.0.0:65535", "0.0.0.0", 65_535), ("name:1", "name", 1)],
)
def test_an_address_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    found = parse(["--listen", text, *UPSTREAM])
    assert (found.host, found.port) == (host, port)


def test_a_socket_of_the_file_system_is_an_upstream() -> None:
    assert parse(["--listen", ":0", "--upstream", "unix:/run/server.sock"]).upstream == "unix:/run/server.sock"


def test_an_address_may_be_held_to_so_many_connections() -> None:
    assert parse(["--listen", ":0", *UPSTREAM, "--address-connections", "500"]).address_connections == 500


def test_origins_may_be_many() -> None:
    found = parse(["--listen", ":0", *UPSTREAM, "--origin", "https://a.example", "--origin", "http://b.example:8080"])
    assert found.origins == ("https://a.example", "http://b.example:8080")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--listen", ":0"],
        list(UPSTREAM),
        *(["--listen", text, *UPSTREAM] for text in ("nonsense", "host:", "host:65536", "::1:8080", "h:-1")),
        *(["--listen", ":0", "--upstream", text] for text in ("server", "server:0", "unix:", "http://server")),
        *(["--listen", ":0", *UPSTREAM, "--max-recv", text] for text in ("0", "-5", "many", "4G", str(1 << 31))),
        *(["--listen", ":0", *UPSTREAM, "--origin", text] for text in ("foo", "https://", "https://a/b", "ftp://a")),
        *(["--listen", ":0", *UPSTREAM, "--address-connections", text] for text in ("0", "-1", "few")),
        ["--listen", ":0", *UPSTREAM, "--orig", "https://a.example"],
        ["--listen", ":0", *UPSTREAM, "more"],
    ],
)
def test_what_is_wrong_is_said_and_nothing_begins(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse(arguments)
    assert exit_.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse(["--help"])
    assert exit_.value.code == 0
    assert "python -m gateway --listen 127.0.0.1:8080 --upstream" in capsys.readouterr().out
