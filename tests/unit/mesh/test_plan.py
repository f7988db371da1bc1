"""What `rushes up` starts, and how it tells of it."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Config as GatewayConfig
from mesh.config import MeshConfig, load
from mesh.supervisor.command import _profile_trouble
from mesh.supervisor.console import brief
from mesh.supervisor.plan import (
    BACKOFF_S,
    PEOPLE,
    PROJECTOR,
    SERVICES,
    Plan,
    backoff_s,
    reachable,
    scale_of,
    service_of,
)
from svc_annotation.config import AnnotationConfig
from svc_media.config import Config as MediaConfig
from svc_project.config import Config as ProjectConfig
from svc_sfu.config import SfuConfig
from svc_signaling.config import SignalingConfig
from svc_version.config import VersionConfig

CONFIGS: dict[str, tuple[type[Any], str]] = {
    "svc_project": (ProjectConfig, "project"),
    "svc_media": (MediaConfig, "media"),
    "svc_annotation": (AnnotationConfig, "annotation"),
    "svc_version": (VersionConfig, "version"),
    "svc_sfu": (SfuConfig, "sfu"),
    "svc_signaling": (SignalingConfig, "signaling"),
    "gateway": (GatewayConfig, "gateway"),
}


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_understands_what_it_is_told(name: str) -> None:
    plan = Plan(Path("/data"), Path("/run/x"), "secret", "127.0.0.1", 8080, tls=("c.pem", "k.pem"))
    environment = plan.environment(name)
    mesh = load(MeshConfig, "mesh", argv=[], environ=environment)
    assert (mesh.data, mesh.secret) == (Path("/data"), "secret")
    kind, section = CONFIGS[name]
    config: Any = load(kind, section, argv=[], environ=environment)
    assert config.listen == mesh.services[name] == f"unix:/run/x/{name}.sock"


def test_services_are_told_where_the_others_are() -> None:
    plan = Plan(Path("/data"), Path("/run/x"), "secret", "127.0.0.1", 8080)
    services = [json.loads(plan.environment(name)["RUSHES_MESH__SERVICES"]) for name in SERVICES]
    assert all(one == services[0] for one in services)
    assert set(services[0]) == {*SERVICES, "svc_media.http"}


def test_the_wait_before_a_restart_grows_to_a_limit() -> None:
    waits = [backoff_s(deaths) for deaths in range(1, 20)]
    assert waits == sorted(waits)
    assert waits[0] == BACKOFF_S[0]
    assert waits[-1] == BACKOFF_S[-1]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("http://127.0.0.1:80", "http://127.0.0.1:80"),
        ("https://0.0.0.0:8080", "https://127.0.0.1:8080"),
        ("https://:::8080", "https://127.0.0.1:8080"),
        ("https://fe80::1:8080", "https://[fe80::1]:8080"),
        ("https://[fe80::1]:8080", "https://[fe80::1]:8080"),
        ("", ""),
    ],
)
def test_the_address_told_is_one_to_go_to(address: str, found: str) -> None:
    assert reachable(address) == found


def test_only_warnings_are_shown_and_in_short() -> None:
    warning = {"time": "t", "level": "WARNING", "service": "svc_x", "logger": "l", "event": "disk_full", "left": 3}
    assert brief(json.dumps(warning).encode()) == "svc_x: disk_full left=3"
    error = {"level": "ERROR", "service": "s", "event": "failed", "exception": "Traceback\n  x\nKeyError: 'a'"}
    assert brief(json.dumps(error).encode()) == "s: failed (KeyError: 'a')"
    assert brief(json.dumps({**warning, "level": "INFO"}).encode()) == ""
    assert brief(b"Traceback (most recent call last):") == ""
    assert brief(b"[1]") == ""
    assert len(brief(json.dumps({**warning, "left": "x" * 10_000}).encode())) < 200


def test_what_is_scaled_has_addresses_of_its_own_that_the_others_are_told() -> None:
    plan = Plan(
        Path("d"),
        Path("/r"),
        "s",
        "127.0.0.1",
        80,
        cluster=True,
        scale=scale_of("annotation=2,gateway=3,version=2,media=2"),
    )
    others = ("svc_annotation.2", "svc_version.2", "svc_media.2", "gateway.2", "gateway.3", PROJECTOR)
    assert set(plan.names) == {*SERVICES, *others}
    told = {name: plan.environment(name) for name in plan.names}
    served = json.loads(told["gateway"]["RUSHES_MESH__SERVICES"])["svc_annotation"].split(",")
    annotation = ("svc_annotation", "svc_annotation.2")
    assert served == [told[name]["RUSHES_ANNOTATION__LISTEN"] for name in annotation]
    assert {told[name]["RUSHES_ANNOTATION__ROLE"] for name in annotation} == {"sessions"}
    assert told[PROJECTOR]["RUSHES_ANNOTATION__ROLE"] == "projector"
    media = ("svc_media", "svc_media.2")
    http = json.loads(told["gateway"]["RUSHES_MESH__SERVICES"])["svc_media.http"].split(",")
    assert http == [told[name]["RUSHES_MEDIA__HTTP_LISTEN"] for name in media]
    assert [told[name]["RUSHES_MEDIA__INSTANCE"] for name in media] == list(media)
    gateways = ("gateway", "gateway.2", "gateway.3")
    assert [told[name]["RUSHES_GATEWAY__PORT"] for name in gateways] == ["80", "81", "82"]
    assert len({told[name]["RUSHES_GATEWAY__DOOR_LISTEN"] for name in gateways}) == 3
    assert {service_of(name) for name in plan.names} == set(SERVICES)


def test_several_of_a_service_that_has_no_server_to_share_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def trouble(scale: str) -> str:
        return _profile_trouble(argparse.Namespace(profile="single", scale=scale))

    monkeypatch.delenv(PEOPLE, raising=False)
    assert PEOPLE in trouble("project=2")
    monkeypatch.setenv(PEOPLE, "sqlite:////tmp/project.db")
    assert PEOPLE in trouble("project=2")
    monkeypatch.setenv(PEOPLE, "postgresql+psycopg://rushes@host/project")
    assert not trouble("project=2")


def test_forwarders_have_ports_one_after_the_other_where_one_is_chosen() -> None:
    plan = Plan(Path("d"), Path("/r"), "s", "127.0.0.1", 80, scale=scale_of("sfu=2"), media_port=3000)
    assert [plan.environment(name)["RUSHES_SFU__PORT"] for name in ("svc_sfu", "svc_sfu.2")] == ["3000", "3001"]
    assert "RUSHES_SFU__PORT" not in Plan(Path("d"), Path("/r"), "s", "127.0.0.1", 80).environment("svc_sfu")


@pytest.mark.parametrize("text", ["mongo=2", "annotation", "annotation=0", "gateway=x", "gateway=99"])
def test_a_scale_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="instances"):
        scale_of(text)
