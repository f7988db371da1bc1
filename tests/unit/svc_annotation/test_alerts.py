"""Alerts ask for what is measured."""

import re
from pathlib import Path

from prometheus_client import REGISTRY

from svc_annotation import metrics
from svc_signaling import metrics as of_rooms


def test_every_alert_is_about_something_that_a_service_measures(root: Path) -> None:
    assert metrics.QUARANTINED
    assert of_rooms
    families = {family.name: family.type for family in REGISTRY.collect()}
    endings = {"counter": "_total", "histogram": "_bucket", "gauge": ""}
    measured = {name + endings[kind] for name, kind in families.items() if kind in endings}
    rules = re.findall(r"expr: (.+)", (root / "deploy" / "alerts.yaml").read_text())
    asked = {name for rule in rules for name in re.findall(r"rushes_\w+", rule)}
    assert len(asked) == len(rules) > 5
    assert asked <= measured
