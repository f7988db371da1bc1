"""Alerts ask for what is measured."""

import re
from pathlib import Path

from prometheus_client import REGISTRY

from mesh import telemetry
from svc_annotation import metrics
from svc_media import metrics as of_media
from svc_media.core.model import JobState
from svc_sfu import metrics as of_forwarders
from svc_signaling import metrics as of_rooms


def test_every_alert_is_about_something_that_a_service_measures(root: Path) -> None:
    assert metrics.QUARANTINED
    assert of_rooms
    assert of_forwarders
    families = {family.name: family.type for family in REGISTRY.collect()}
    endings = {"counter": "_total", "histogram": "_bucket", "gauge": ""}
    measured = {name + endings[kind] for name, kind in families.items() if kind in endings}
    rules = re.findall(r"expr: (.+)", (root / "deploy" / "alerts.yaml").read_text())
    asked = {name for rule in rules for name in re.findall(r"rushes_\w+", rule)}
    assert len(asked) == len(rules) > 5
    assert asked <= measured


def test_an_alert_about_some_of_a_number_names_what_it_is_counted_by(root: Path) -> None:
    telemetry.RPC_TOTAL.labels("/a/B", "INTERNAL")
    of_media.JOBS.labels(JobState.FAILED)
    counted = {
        (sample.name, label, value)
        for family in REGISTRY.collect()
        for sample in family.samples
        for label, value in sample.labels.items()
    }
    told = re.findall(r'(rushes_\w+)\{(\w+)=~?"(\w+)', (root / "deploy" / "alerts.yaml").read_text())
    assert len(told) == 2
    assert set(told) <= counted
