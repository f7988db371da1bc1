"""The `rushes` command finds what it can do by entry points."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_COMMAND = """
def register(subparsers):
    parser = subparsers.add_parser("greet", help="says a word")
    parser.add_argument("word")
    parser.set_defaults(run=lambda arguments: print("hello", arguments.word) or 7)
"""


def rushes(*arguments: str, path: Path | None = None, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Runs the command, without a terminal."""
    found = {"PYTHONPATH": os.pathsep.join([str(path), str(Path.cwd())])} if path else {}
    command = [sys.executable, "-m", "rushes.cli", *arguments]
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **found, **environ},
        start_new_session=True,
    )


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A distribution of somebody else's, with a command."""
    info = tmp_path / "greeting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[rushes.commands]\ngreet = greeting:register\n")
    (tmp_path / "greeting.py").write_text(_COMMAND)
    return tmp_path


def test_commands_of_operators_and_users_are_found() -> None:
    done = rushes("--help")
    assert done.returncode == 0
    assert {"up", "upload", "watch", "annotate", "export"} <= set(done.stdout.split())


def test_a_command_of_another_distribution_is_found_and_gives_the_exit_code(plugin: Path) -> None:
    done = rushes("greet", "you", path=plugin)
    assert (done.returncode, done.stdout) == (7, "hello you\n")


@pytest.mark.parametrize("arguments", [(), ("nothing",), ("up", "--port", "many"), ("up", "--nothing")])
def test_what_is_not_understood_is_explained(arguments: tuple[str, ...]) -> None:
    done = rushes(*arguments)
    assert done.returncode == 2
    assert "usage: rushes" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--profile", "cluster"), "RUSHES_ANNOTATION__KAFKA and RUSHES_ANNOTATION__MONGO"),
        (("--scale", "annotation=2"), "--profile cluster"),
        (("--scale", "editor=2"), "no several instances of editor, but of gateway"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused_with_what_is_missing(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = rushes("up", "--data", str(tmp_path / "data"), *arguments)
    assert done.returncode == 1
    assert said in done.stdout
    assert not (tmp_path / "data").exists()


def test_without_a_command_it_says_which_there_are_those_that_most_need_first() -> None:
    done = rushes()
    assert done.returncode == 2
    places = [done.stderr.index(f"    {name} ") for name in ("up", "sign-in", "upload", "list", "export", "migrate")]
    assert places == sorted(places)


def test_a_port_that_there_is_not_is_refused_with_what_to_do(tmp_path: Path) -> None:
    done = rushes("up", "--data", str(tmp_path), "--port", "99999")
    assert (done.returncode, "127.0.0.1:99999 cannot be used" in done.stdout) == (1, True)


def test_another_programs_port_in_the_environment_stops_no_command_but_the_one_that_it_is_for() -> None:
    assert rushes("--help", PORT="tcp://10.0.0.1:80").returncode == 0
    done = rushes("up", PORT="tcp://10.0.0.1:80")
    assert (done.returncode, "--port: invalid int value" in done.stderr) == (2, True)


def test_a_password_that_cannot_be_asked_for_is_said() -> None:
    done = rushes("sign-in", "--email", "ada@example.com", RUSHES_PASSWORD="")
    assert done.returncode == 1
    assert done.stderr.endswith("rushes: Nobody is here to be asked: give --email, and set RUSHES_PASSWORD\n")
    assert "Traceback" not in done.stderr
