"""Which server a command talks to and as whom."""

import argparse
import json
from pathlib import Path

import pytest

from rushes.command.account import add_server, client, command, keep, kept_file
from rushes.errors import NotFound, Unauthenticated, Unavailable


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own, and nothing in the environment."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("RUSHES_EMAIL", "RUSHES_PASSWORD", "RUSHES_SERVER"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def parsed(*arguments: str) -> argparse.Namespace:
    """Arguments of a command that talks to a server."""
    parser = argparse.ArgumentParser()
    add_server(parser)
    return parser.parse_args(arguments)


def test_a_session_is_kept_for_each_server_and_for_its_owner_alone(home: Path) -> None:
    keep("http://one", "first")
    keep("http://two", "a much longer secret than the others")
    keep("http://one", "second")
    assert json.loads(kept_file().read_text()) == {
        "http://one": "second",
        "http://two": "a much longer secret than the others",
    }
    assert kept_file().stat().st_mode & 0o077 == 0
    assert kept_file().parent.stat().st_mode & 0o077 == 0


def test_who_has_not_signed_in_is_told_how(home: Path) -> None:
    with pytest.raises(Unauthenticated, match="rushes sign-in --server http://there"):
        client(parsed("--server", "http://there"))


def test_a_kept_session_is_used(home: Path) -> None:
    keep("http://there:8080", "secret")
    assert client(parsed("--server", "http://there:8080")).session_secret == "secret"


def test_a_damaged_file_of_sessions_is_as_none(home: Path) -> None:
    keep("http://there", "secret")
    kept_file().write_text("{ not whole")
    with pytest.raises(Unauthenticated):
        client(parsed("--server", "http://there"))


def test_an_email_in_the_environment_comes_before_a_kept_session(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("http://there", "secret")
    monkeypatch.setenv("RUSHES_EMAIL", "a@example.com")
    assert client(parsed("--server", "http://there")).session_secret == ""


def test_the_server_is_that_of_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parsed().server == "http://127.0.0.1:8080"
    monkeypatch.setenv("RUSHES_SERVER", "https://review.example.com")
    assert parsed().server == "https://review.example.com"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NotFound("There is none."), "There is none."),
        (FileNotFoundError(2, "No such file", "x.mp4"), "x.mp4: No such file"),
        (OSError("refused"), "refused"),
    ],
)
def test_what_goes_wrong_is_one_line_and_an_exit_code(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work(arguments: argparse.Namespace) -> int:
        raise error

    assert command(work)(argparse.Namespace()) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"rushes: {line}\n")


@pytest.mark.parametrize(("server", "hinted"), [("http://there", True), ("https://there", False)])
def test_who_forgets_tls_is_told(server: str, hinted: bool, capsys: pytest.CaptureFixture[str]) -> None:
    async def work(arguments: argparse.Namespace) -> int:
        raise Unavailable("The server does not answer.", cause="UNAVAILABLE: ipv4:192.0.2.1:80: Socket closed")

    assert command(work)(parsed("--server", server)) == 1
    assert ("https://\n" in capsys.readouterr().err) == hinted
