"""The Helm chart: linted, rendered in its variants, and every object compared with Kubernetes' schemas, strictly."""

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from chart_fit import misfits, unnoticed

ROOT = Path(__file__).resolve().parent.parent
HELM = ROOT / "scripts" / "engines" / "helm"
CHART = ROOT / "helm" / "rushes"
VALUES = ("-f", str(CHART / "ci-values.yaml"))
VARIANTS = (
    (),
    ("--set", "autoscaling.enabled=false,networkPolicy.enabled=false,ingress.enabled=false,storageClass=fast"),
    (
        "--set",
        "signaling.replicas=2,secrets.signalingDatabase=postgresql+psycopg://rushes:x@postgres/signaling,"
        "secrets.recordings=s3://key:x@objects/meeting-recordings",
    ),
    ("--set", "secrets.existing=mine,project.replicas=2,signaling.replicas=2,mesh.tlsSecret=mesh"),
    ("--set", "sfu.replicas=3,sfu.maxReplicas=50,sfu.people=60,sfu.port=32000,sfu.addresses={203.0.113.7}"),
    ("--set", "sfu.replicas=1,autoscaling.enabled=false,sfu.stun=stun:stun.example.com:3478"),
)
REFUSED = (
    ("--set", "gateway.replicas=0"),
    ("--set", "gatewya.replicas=1"),
    ("--set", "mesh.tlsSecret=Not A Name"),
    ("--set", "secrets.mongo=http://x"),
    ("--set", "secrets.meshSecret=short"),
    ("--set", "signaling.turn={turn.example.com}"),
    ("--set", "sfu.port=50000"),
    ("--set", "sfu.maxReplicas=51"),
    ("--set", "sfu.people=-1"),
    ("--set", "sfu.addresses={sfu.example.com}"),
    ("--set", "sfu.stun=stun.example.com"),
    ("--set", "secrets.meshSecret="),
    ("--set", "signaling.replicas=2"),
    ("--set", "signaling.replicas=2,secrets.signalingDatabase=postgresql+psycopg://rushes:x@postgres/signaling"),
    ("--set", "signaling.replicas=2,secrets.recordings=s3://key:x@objects/meeting-recordings"),
)
VERSIONS = ("1.27", "1.31", "1.34")


def helm(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs Helm."""
    return subprocess.run([str(HELM), "run", *arguments], capture_output=True, text=True, check=False)


def rendered(*arguments: str) -> list[dict[str, Any]]:
    """The objects of a variant."""
    done = helm("template", "it", str(CHART), *VALUES, *arguments)
    if done.returncode:
        raise SystemExit(f"the chart cannot be rendered with {arguments}: {done.stderr}")
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def problem_of(thing: dict[str, Any], version: str) -> str:
    """What is wrong with an object; empty: nothing."""
    try:
        kubernetes_validate.validate(thing, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{version}: {thing['kind']} {thing['metadata']['name']}: {error.message}"
    return ""


def _different(variants: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The objects of all variants, each once."""
    return list({yaml.safe_dump(thing): thing for variant in variants for thing in variant}.values())


def main() -> int:
    """Gives the exit code."""
    installed = subprocess.run([str(HELM), "install"], check=False)
    if installed.returncode:
        return 1 if os.environ.get("CI") else 0
    problems = []
    lint = helm("lint", "--strict", str(CHART), *VALUES)
    if lint.returncode:
        problems.append(lint.stdout + lint.stderr)
    variants = [rendered(*variant) for variant in VARIANTS]
    problems += [problem for variant in variants for problem in misfits(variant)] + unnoticed(variants[0])
    things = _different(variants)
    problems += filter(None, (problem_of(thing, version) for version in VERSIONS for thing in things))
    # A check that would pass anything is none.
    wrong = copy.deepcopy(next(thing for thing in things if thing["kind"] == "Deployment"))
    wrong["spec"]["template"]["spec"]["containers"][0]["imagePullPolcy"] = "Always"
    if not problem_of(wrong, VERSIONS[-1]):
        problems.append("a field that does not exist was not noticed")
    problems += [
        f"values that cannot be are taken: {arguments}"
        for arguments in REFUSED
        if not helm("template", "it", str(CHART), *VALUES, *arguments).returncode
    ]
    print(*problems, sep="\n", end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
