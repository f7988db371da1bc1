"""Settings: a frozen dataclass, filled from its defaults, then a TOML file, then the environment."""

import dataclasses
import json
import sys
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
PREFIX = "RUSHES_"


class ConfigError(Exception):
    """Everything that is wrong with the settings, a line each."""


@dataclass(frozen=True)
class MeshConfig:
    """Section `mesh`: what every service of one mesh is told."""

    data: Path = Path("data")
    """Folder of all stores; each service uses one inside it."""

    secret: str = ""
    """What services prove themselves by, made at start; the same for all of a mesh."""

    services: dict[str, str] = field(default_factory=dict)
    """gRPC target of each service by its name, and `svc_media.http` for its HTTP side."""

    grace_s: float = 20.0
    """Longest wait for what is under way when a service is told to stop."""

    metrics_host: str = "127.0.0.1"
    """Address of each service's /metrics and /healthz."""

    metrics_port: int = 0
    """Its port; 0: any."""

    log_level: str = "INFO"
    """Least level that is logged."""


def load(
    cls: type[T], section: str, *, argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> T:
    """The settings of a section. Raises ConfigError that names every mistake; `--print-config` prints them and exits."""
    import os

    environ = os.environ if environ is None else environ
    argv = sys.argv[1:] if argv is None else argv
    fields = {item.name: item for item in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls)
    given: dict[str, tuple[Any, str]] = {}
    errors: list[str] = []
    for name, value, where in [*_from_toml(section, environ, errors), *_from_environment(section, environ)]:
        if name not in fields:
            errors.append(f"{where}: there is no setting {section}.{name}")
        else:
            given[name] = (value, where)
    values = {}
    for name, (value, where) in given.items():
        try:
            values[name] = _convert(value, hints[name])
        except (ValueError, TypeError) as error:
            errors.append(f"{where}: {error}")
    if errors:
        raise ConfigError("\n".join(errors))
    settings = cls(**values)
    if "--print-config" in argv:
        print(_printed(settings, section))
        raise SystemExit(0)
    return settings


def _from_toml(section: str, environ: Mapping[str, str], errors: list[str]) -> list[tuple[str, Any, str]]:
    path = environ.get("RUSHES_CONFIG", "")
    if not path:
        return []
    try:
        table = tomllib.loads(Path(path).read_text()).get(section, {})
    except (OSError, tomllib.TOMLDecodeError) as error:
        errors.append(f"{path}: {error}")
        return []
    return [(name, value, f"{path} [{section}]") for name, value in table.items()]


def _from_environment(section: str, environ: Mapping[str, str]) -> list[tuple[str, Any, str]]:
    prefix = f"{PREFIX}{section.upper()}__"
    return [
        (name.removeprefix(prefix).lower(), value, name) for name, value in environ.items() if name.startswith(prefix)
    ]


def _convert(value: Any, kind: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(kind) if option is not type(None)]
        return None if value in (None, "") else _convert(value, options[0])
    if origin is dict:
        table = json.loads(value) if isinstance(value, str) else value
        if not isinstance(table, dict):
            raise ValueError("a table is needed")
        return {str(key): str(item) for key, item in table.items()}
    if origin is tuple:
        items = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        return tuple(str(item) for item in items)
    if kind is bool:
        return _boolean(value)
    return kind(value)


def _boolean(value: Any) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    word = str(value).lower()
    if word not in words:
        raise ValueError(f"{value!r} is neither true nor false")
    return words[word]


def _printed(settings: Any, section: str) -> str:
    lines = [f"[{section}]"]
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        shown = "***" if "secret" in item.name and value else value
        if isinstance(shown, dict):
            text = "{ " + ", ".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in shown.items()) + " }"
        elif isinstance(shown, Path):
            text = json.dumps(str(shown))
        else:
            text = json.dumps(shown)
        lines.append(f"{item.name} = {text}")
    return "\n".join(lines)
