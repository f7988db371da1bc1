"""Settings: default < TOML file < environment, all errors told at once. The environment is read here alone."""

import dataclasses
import json
import os
import sys
import tomllib
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

FILE_VARIABLE = "RUSHES_CONFIG"
PRINT_OPTION = "--print-config"
SECTIONS = frozenset(("mesh", "gateway", "annotation", "project", "media", "version", "signaling", "sfu"))
_TRUE = frozenset(("1", "true", "yes", "on"))
_FALSE = frozenset(("0", "false", "no", "off"))


class ConfigError(Exception):
    """The configuration is wrong; `problems` are all that was found, in words."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("The configuration is wrong:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class MeshConfig:
    """Section `mesh`: what every service of one installation has in common."""

    data: Path = Path("data")
    """Folder of everything that is kept; each service has a folder of its own in it."""

    secret: str = field(default="", metadata={"secret": True})
    """With it services prove to each other who they are. Needed; `rushes up` makes a new one at each start."""

    services: dict[str, str] = field(default_factory=dict)
    """Where services are: name -> gRPC target, and NAME.http -> HTTP address."""

    tls: str = ""
    """Folder with tls.crt, tls.key and ca.crt: services on a network take nobody without a certificate of that
    authority. Empty: they talk without TLS. Unix sockets need none."""

    grace_s: float = 20.0
    """Seconds that calls in progress have to end after SIGTERM."""

    metrics_host: str = "127.0.0.1"
    """Address that /metrics and /healthz are served at."""

    metrics_port: int = 0
    """Port that they are served at; 0: any."""

    log_level: str = "INFO"
    """Least level that is logged."""


def load(
    cls: type[T], section: str, *, argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> T:
    """The settings of a section as a frozen dataclass. Raises ConfigError with all that is wrong.

    With --print-config among the arguments of the program they are printed too.
    """
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for name, (value, source) in _given(cls, section, environ, problems).items():
        try:
            values[name] = _convert(value, hints[name])
        except ValueError as error:
            problems.append(f"{source}: {error}")
    missing = [one.name for one in _fields(cls) if _is_required(one) and one.name not in values]
    problems += [f"{section}.{name} is needed" for name in missing if not _named(name, problems)]
    if problems:
        raise ConfigError(problems)
    config = cls(**values)
    if PRINT_OPTION in (sys.argv[1:] if argv is None else argv):
        sys.stdout.write(render(config, section))
    return config


def render(config: Any, section: str) -> str:
    """Settings as TOML, secrets left out."""
    lines = [f"[{section}]"]
    for one in dataclasses.fields(config):
        value = getattr(config, one.name)
        if value is None:
            lines.append(f"# {one.name} is not set")
        elif one.metadata.get("secret"):
            lines.append(f"# {one.name} is {'set' if value else 'empty'}")
        else:
            lines.append(f"{one.name} = {_toml(value)}")
    return "\n".join(lines) + "\n\n"


def _fields(cls: type[Any]) -> tuple["dataclasses.Field[Any]", ...]:
    return dataclasses.fields(cls)


def _is_required(one: "dataclasses.Field[Any]") -> bool:
    return one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING


def _named(name: str, problems: Sequence[str]) -> bool:
    return any(f".{name}:" in problem or f"__{name.upper()}:" in problem for problem in problems)


def _given(cls: type[Any], section: str, environ: Mapping[str, str], problems: list[str]) -> dict[str, tuple[Any, str]]:
    """What is set anywhere, with where it was: the environment wins."""
    known = {one.name for one in _fields(cls)}
    given: dict[str, tuple[Any, str]] = {}
    path = environ.get(FILE_VARIABLE, "")
    for name, value in (_read(path, section, problems) if path else {}).items():
        source = f"{path}: {section}.{name}"
        if name in known:
            given[name] = (value, source)
        else:
            problems.append(f"{source}: there is no such setting")
    prefix = f"RUSHES_{section.upper()}__"
    for variable, value in environ.items():
        if not variable.startswith(prefix):
            continue
        name = variable[len(prefix) :].lower()
        if name in known:
            given[name] = (value, variable)
        else:
            problems.append(f"{variable}: there is no such setting")
    return given


def _read(path: str, section: str, problems: list[str]) -> dict[str, Any]:
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"{path}: {error}")
        return {}
    problems += [f"{path}: there is no section {name}" for name in content if name not in SECTIONS]
    table = content.get(section, {})
    if not isinstance(table, dict):
        problems.append(f"{path}: {section} is not a section")
        return {}
    return table


def _convert(value: Any, kind: Any) -> Any:
    """A value of TOML, or text of the environment, as the field's type. Raises ValueError with what is wanted."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = next(one for one in get_args(kind) if one is not types.NoneType)
        return None if value == "" else _convert(value, inner)
    if kind is bool:
        return _boolean(value)
    if kind in (int, float):
        return _number(value, kind)
    if kind in (str, Path):
        if not isinstance(value, str):
            raise ValueError("text is wanted")
        return kind(value)
    if origin is tuple:
        return _texts(value)
    if origin is dict:
        return _table(value)
    raise TypeError(f"settings cannot be of type {kind}")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise ValueError("true or false is wanted")


def _number(value: Any, kind: type[int] | type[float]) -> int | float:
    wanted = "a whole number is wanted" if kind is int else "a number is wanted"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(wanted)
    if kind is int and isinstance(value, float):
        raise ValueError(wanted)
    try:
        number = kind(value)
    except ValueError:
        raise ValueError(wanted) from None
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError(wanted)
    return number


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise ValueError("a list of texts is wanted (in the environment with commas between)")


def _table(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        try:
            value = json.loads(value) if value else {}
        except ValueError:
            raise ValueError("a JSON object is wanted") from None
    if isinstance(value, dict) and all(isinstance(name, str) and isinstance(one, str) for name, one in value.items()):
        return dict(value)
    raise ValueError("a table of texts is wanted (in the environment a JSON object)")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(name)} = {_toml(one)}" for name, one in value.items()) + "}"
    return json.dumps(str(value))
