"""Who uses no engine does not pay for its client: services on one machine start without importing any."""

import subprocess
import sys

import pytest

CLIENTS = ("confluent_kafka", "pymongo", "redis", "minio", "psycopg", "alembic")


@pytest.mark.parametrize(
    "module",
    [
        "mesh.supervisor.command",
        "mesh.service",
        "mesh.sql",
        "svc_annotation.setup",
        "svc_annotation.bootstrap",
        "svc_project.bootstrap",
        "svc_media.bootstrap",
        "gateway.bootstrap",
    ],
)
def test_no_client_of_an_engine_is_imported(module: str) -> None:
    code = f"import sys, {module}\nprint(*(name for name in {CLIENTS} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
