"""What is shipped for operators fits what it starts: settings exist, and services are where others look for them."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from mesh.config import MeshConfig, load
from mesh.fleet import DNS

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
PROGRAMS = {
    name: service["command"][2]
    for name, service in COMPOSE["services"].items()
    if service.get("command", [""])[0] == "python"
}
CONFIGS = {
    "svc_project": "Config",
    "svc_media": "Config",
    "svc_annotation": "AnnotationConfig",
    "svc_version": "VersionConfig",
    "svc_signaling": "SignalingConfig",
    "svc_sfu": "SfuConfig",
    "gateway": "Config",
}


def environ(name: str) -> dict[str, str]:
    """What a service is told, with something in the place of what the operator gives."""
    told = COMPOSE["services"][name]["environment"]
    return {key: re.sub(r"\$\{[^}]*\}", "x" * 32, value) for key, value in told.items()}


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_service_of_compose_takes_all_that_it_is_told(name: str) -> None:
    module = PROGRAMS[name]
    section = module.removeprefix("svc_")
    told = environ(name)
    config = load(getattr(import_module(f"{module}.config"), CONFIGS[module]), section, argv=(), environ=told)
    mesh = load(MeshConfig, "mesh", argv=(), environ=told)
    assert mesh.secret
    assert all(key.startswith(("RUSHES_MESH__", f"RUSHES_{section.upper()}__")) for key in told)
    assert getattr(config, "listen", "")


def test_an_instance_with_a_volume_is_called_the_same_in_every_container() -> None:
    assert "signaling:/data" in COMPOSE["services"]["signaling"]["volumes"]
    assert environ("signaling")["RUSHES_SIGNALING__INSTANCE"] == "svc_signaling"


def addresses() -> Iterator[tuple[str, str]]:
    """Where the gateway looks for whom."""
    for service, targets in load(MeshConfig, "mesh", argv=(), environ=environ("gateway-1")).services.items():
        for target in targets.split(","):
            yield service, target.strip()


def named_in_compose(host: str) -> list[str]:
    """The services that a name stands for."""
    return [name for name, service in COMPOSE["services"].items() if host in (name, *_aliases(service))]


def _aliases(service: dict[str, Any]) -> list[str]:
    networks = service.get("networks", {})
    return [] if isinstance(networks, list) else networks.get("default", {}).get("aliases", [])


@pytest.mark.parametrize(("service", "target"), list(addresses()))
def test_a_service_of_compose_listens_where_others_look_for_it(service: str, target: str) -> None:
    host, _, port = target.removeprefix(DNS).partition(":")
    program = service.removesuffix(".http")
    key = f"RUSHES_{program.removeprefix('svc_').upper()}__{'HTTP_LISTEN' if '.http' in service else 'LISTEN'}"
    named = named_in_compose(host)
    assert named
    for name in named:
        assert PROGRAMS[name] == program
        assert environ(name)[key] == f"0.0.0.0:{port}"


def test_instances_that_any_service_asks_have_a_name_for_all_of_them_that_is_nobody_else_s() -> None:
    told = [load(MeshConfig, "mesh", argv=(), environ=environ(name)).services for name in PROGRAMS]
    assert not [address for services in told for address in services.values() if "," in address]
    assert told[0]["svc_annotation"].startswith(DNS)
    assert named_in_compose("annotation") == ["annotation-1", "annotation-2"]


def test_every_forwarder_has_a_port_of_its_own_that_comes_in_from_outside() -> None:
    forwarders = named_in_compose("sfu")
    assert len(forwarders) == 2
    ports = [environ(name)["RUSHES_SFU__PORT"] for name in forwarders]
    assert len(set(ports)) == 2
    assert [COMPOSE["services"][name]["ports"] for name in forwarders] == [[f"{port}:{port}/udp"] for port in ports]


def test_whoever_is_waited_for_exists() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        named = {volume.partition(":")[0] for volume in service.get("volumes", ()) if not volume.startswith(".")}
        assert named <= set(COMPOSE["volumes"])


def test_nginx_stands_before_all_gateways_and_is_the_proxy_that_they_trust() -> None:
    gateways = {name for name, module in PROGRAMS.items() if module == "gateway"}
    text = (DEPLOY / "nginx.conf").read_text()
    for upstream in ("pages", "programs"):
        block = text.partition(f"upstream {upstream} {{")[2].partition("}")[0]
        assert set(re.findall(r"server (\S+):8080", block)) == gateways
    nginx = COMPOSE["services"]["nginx"]
    assert {environ(name)["RUSHES_GATEWAY__TRUSTED_PROXIES"] for name in gateways} == {
        nginx["networks"]["doors"]["ipv4_address"]
    }
    (port,) = re.findall(r"listen (\d+) ssl", text)
    assert nginx["ports"] == [f"443:{port}"]
