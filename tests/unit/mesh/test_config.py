"""Settings from defaults, a file and the environment."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mesh.config import ConfigError, MeshConfig, load, render


@dataclass(frozen=True)
class Config:
    """All types that settings may have."""

    needed: str
    host: str = "127.0.0.1"
    port: int = 8080
    wait_s: float = 1.5
    fast: bool = False
    folder: Path = Path("data")
    services: dict[str, str] = field(default_factory=dict)
    origins: tuple[str, ...] = ()
    name: str | None = None


def read(environ: dict[str, str]) -> Config:
    """The settings of section `media`, with what is needed given."""
    return load(Config, "media", argv=[], environ={"RUSHES_MEDIA__NEEDED": "x", **environ})


def test_what_is_not_set_has_its_default() -> None:
    assert read({}) == Config("x")


def test_the_environment_sets_every_type() -> None:
    config = read(
        {
            "RUSHES_MEDIA__PORT": "9",
            "RUSHES_MEDIA__WAIT_S": "2",
            "RUSHES_MEDIA__FAST": "on",
            "RUSHES_MEDIA__FOLDER": "/a b",
            "RUSHES_MEDIA__SERVICES": '{"svc_project": "unix:/x"}',
            "RUSHES_MEDIA__ORIGINS": "https://a, https://b",
            "RUSHES_MEDIA__NAME": "",
        }
    )
    services = {"svc_project": "unix:/x"}
    assert config == Config("x", "127.0.0.1", 9, 2.0, True, Path("/a b"), services, ("https://a", "https://b"), None)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "rushes.toml"
    file.write_text('[media]\nport = 1\nhost = "h"\norigins = ["a"]\nservices = {a = "b"}\n[gateway]\nport = 5\n')
    config = read({"RUSHES_CONFIG": str(file), "RUSHES_MEDIA__PORT": "2"})
    assert (config.port, config.host, config.origins, config.services) == (2, "h", ("a",), {"a": "b"})


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "rushes.toml"
    file.write_text("[media]\nprot = 1\nport = 1.5\n[mdeia]\n")
    with pytest.raises(ConfigError) as caught:
        load(
            Config,
            "media",
            argv=[],
            environ={
                "RUSHES_CONFIG": str(file),
                "RUSHES_MEDIA__FAST": "perhaps",
                "RUSHES_MEDIA__WAIT_S": "nan",
                "RUSHES_MEDIA__HOTS": "x",
                "RUSHES_MEDIA__SERVICES": "[1]",
                "RUSHES_GATEWAY__HOTS": "of another section",
            },
        )
    text = str(caught.value)
    for part in ("media.prot", "media.port", "mdeia", "FAST", "WAIT_S", "HOTS", "SERVICES", "media.needed is needed"):
        assert part in text
    assert len(caught.value.problems) == 8


@pytest.mark.parametrize("content", ["port =", "\xff", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "rushes.toml"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"rushes\.toml"):
        read({"RUSHES_CONFIG": str(file)})


def test_settings_are_printed_as_toml_without_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"RUSHES_MESH__SECRET": "canary", "RUSHES_MESH__DATA": 'a "b"'}
    config = load(MeshConfig, "mesh", argv=["--print-config"], environ=environ)
    printed = capsys.readouterr().out
    assert "canary" not in printed
    file = tmp_path / "rushes.toml"
    file.write_text(printed)
    again = load(MeshConfig, "mesh", argv=[], environ={"RUSHES_CONFIG": str(file), "RUSHES_MESH__SECRET": "canary"})
    assert again == config
    assert render(Config("x"), "media").startswith("[media]\n")
