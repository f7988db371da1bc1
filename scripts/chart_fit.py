"""Whether what the chart renders fits what it starts: settings exist, and services are where others look for them."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from mesh.config import ConfigError, MeshConfig, load
from mesh.fleet import DNS

CONFIGS: Final = {
    "svc_annotation": "AnnotationConfig",
    "svc_version": "VersionConfig",
    "svc_signaling": "SignalingConfig",
    "svc_sfu": "SfuConfig",
}
"""Of the others it is Config."""
COMPONENT: Final = "app.kubernetes.io/component"

Thing = Mapping[str, Any]


def misfits(things: Sequence[Thing]) -> list[str]:
    """What does not fit, of one release."""
    programs = {thing["spec"]["template"]["metadata"]["labels"][COMPONENT]: thing for thing in _workloads(things)}
    return [
        *(problem for part, thing in programs.items() for problem in _settings(part, thing)),
        *(problem for part, thing in programs.items() for problem in _addresses(part, thing, things, programs)),
        *_packets(things, programs["sfu"]),
    ]


def unnoticed(things: Sequence[Thing]) -> list[str]:
    """What is made wrong here and is not noticed: a check that would pass anything is none."""
    found = []
    for what, name, kind, path, value in (
        (
            "a setting",
            "sfu",
            "StatefulSet",
            ("spec", "template", "spec", "containers", 0, "env", 0, "name"),
            "RUSHES_SFU__X",
        ),
        ("the name of a service", "sfu-each", "Service", ("metadata", "name"), "elsewhere"),
        ("the port of a service", "annotation-each", "Service", ("spec", "ports", 0, "port"), 1),
        ("a port of packets", "sfu-1", "Service", ("spec", "ports", 0, "targetPort"), 1),
    ):
        wrong = copy.deepcopy(list(things))
        place: Any = next(one for one in wrong if one["kind"] == kind and one["metadata"]["name"].endswith(f"-{name}"))
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        if not misfits(wrong):
            found.append(f"{what} that does not fit was not noticed")
    return found


def _workloads(things: Sequence[Thing]) -> Iterator[Thing]:
    return (thing for thing in things if thing["kind"] in ("Deployment", "StatefulSet"))


def _container(thing: Thing) -> dict[str, Any]:
    container: dict[str, Any] = thing["spec"]["template"]["spec"]["containers"][0]
    return container


def _environ(thing: Thing) -> dict[str, str]:
    """What a program is told, with something in the place of what only a cluster knows."""
    return {
        each["name"]: each.get("value", "10.0.0.1" if "fieldRef" in each.get("valueFrom", {}) else "")
        for each in _container(thing)["env"]
    }


def _module(thing: Thing) -> str:
    return str(_container(thing)["command"][-1]).rpartition(" ")[2]


def _settings(part: str, thing: Thing) -> list[str]:
    module = _module(thing)
    section = module.removeprefix("svc_")
    told = _environ(thing)
    known = ("RUSHES_MESH__", f"RUSHES_{section.upper()}__")
    problems = [f"{part}: {name} is no setting of it" for name in told if name != "POD" and not name.startswith(known)]
    try:
        load(getattr(import_module(f"{module}.config"), CONFIGS.get(module, "Config")), section, argv=(), environ=told)
        load(MeshConfig, "mesh", argv=(), environ=told)
    except ConfigError as error:
        problems += [f"{part}: {problem}" for problem in error.problems]
    return problems


def _addresses(part: str, thing: Thing, things: Sequence[Thing], programs: Mapping[str, Thing]) -> Iterator[str]:
    """Everything that a program looks for is a Service before a program that listens there."""
    services = {one["metadata"]["name"]: one["spec"] for one in things if one["kind"] == "Service"}
    for service, target in json.loads(_environ(thing)["RUSHES_MESH__SERVICES"]).items():
        host, _, port = target.removeprefix(DNS).partition(":")
        spec = services.get(host, {"ports": ()})
        to = next((str(each["targetPort"]) for each in spec["ports"] if str(each["port"]) == port), None)
        if to is None:
            yield f"{part} looks for {service} at {target}, where no Service is"
            continue
        behind = programs[spec["selector"][COMPONENT]]
        listens = {each["name"]: str(each["containerPort"]) for each in _container(behind)["ports"]}.get(to)
        program = service.removesuffix(".http")
        key = f"RUSHES_{program.removeprefix('svc_').upper()}__{'HTTP_LISTEN' if '.http' in service else 'LISTEN'}"
        if _module(behind) != program or _environ(behind).get(key) != f"0.0.0.0:{listens}":
            yield f"{part} looks for {service} at {target}, where it does not listen"
        if target.startswith(DNS) != (spec.get("clusterIP") == "None"):
            yield f"{part} looks for {service} at {target}, which is not each instance by itself"


def _packets(things: Sequence[Thing], forwarders: Thing) -> Iterator[str]:
    """Packets come in at the port that a forwarder's number gives it, and are let in there."""
    first = int(_container(forwarders)["command"][-1].partition("$((")[2].partition(" ")[0])
    name = forwarders["metadata"]["name"]
    services = {one["metadata"]["name"]: one["spec"] for one in things if one["kind"] == "Service"}
    ways = [services[each]["ports"][0] for number in range(50) if (each := f"{name}-{number}") in services]
    if not ways or len(ways) < forwarders["spec"].get("replicas", 1):
        yield "there are forwarders whose packets no Service brings"
    for number, way in enumerate(ways):
        if {way["port"], way["targetPort"], way["nodePort"]} != {first + number}:
            yield f"forwarder {number} receives at {first + number}, and its packets are sent elsewhere"
    for policy in things:
        if policy["kind"] == "NetworkPolicy" and policy["metadata"]["name"].endswith("-packets"):
            let_in = policy["spec"]["ingress"][0]["ports"][0]
            if (let_in["port"], let_in["endPort"]) != (first, first + len(ways) - 1):
                yield "the ports that packets come to are not those that they are let in at"
