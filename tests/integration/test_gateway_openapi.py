"""What the JSON calls are said to be is true: schemathesis calls all of them so, and holds the answers against it.

A longer run, by hand: see docs/gateway.md.
"""

import subprocess
import sys
from pathlib import Path

from benchmarks.studio import IDENTITY, PROJECT
from rushes.project.v1 import identity_service_pb2, project_service_pb2
from tests.clips import footage
from tests.product import Product

CONFIG = "schemathesis.toml"
SEED = "7"
EXAMPLES = "2"
UNCHECKED = "negative_data_rejection,positive_data_acceptance"
"""Protobuf's JSON takes more than is described, as numbers for digits; and services ask more than a schema says."""


def somebody(product: Product, project_id: int) -> str:
    """Session of a person with every right in a project, and none elsewhere."""
    request = identity_service_pb2.CreateInvitationRequest(
        project_id=project_id, role="owner", max_uses=1, request_id="5" * 32
    )
    secret: str = product.stack.rpc(IDENTITY, "CreateInvitation", request, product.secret).secret
    return product.stack.post_json("/auth/accept", {"secret": secret, "name": "Anybody"})[1]


def things(product: Product) -> tuple[str, dict[str, int]]:
    """An access token, and ids of what whoever has it may do anything with."""
    project_id = product.project("Called by a machine")
    session = somebody(product, project_id)
    video_id = product.stack.upload(footage(), project_id, session)
    request = project_service_pb2.CreateAssetRequest(project_id=project_id, video_id=video_id)
    asset = product.stack.rpc(PROJECT, "CreateAsset", request, session).asset
    ids = {"project_id": project_id, "video_id": video_id, "asset_id": asset.asset_id, "from_video_id": video_id}
    return product.token(session), ids


def calling(folder: Path, address: str, token: str, paths: str) -> subprocess.Popen[str]:
    """A run over the paths that match, told apart by its seed alone, so that it can be run again as it was."""
    options = {
        "--header": f"Authorization: Bearer {token}",
        "--include-path-regex": paths,
        "--phases": "fuzzing",
        "--seed": SEED,
        "--max-examples": EXAMPLES,
        "--exclude-checks": UNCHECKED,
        "--generation-with-security-parameters": "false",
        "--generation-database": "none",
        "--request-timeout": "60",
        "--warnings": "off",
    }
    program = Path(sys.executable).parent / "schemathesis"
    command = [str(program), "--config-file", str(folder / CONFIG), "run", f"{address}/api"]
    command += [part for option in options.items() for part in option]
    command += ["--continue-on-failure", "--no-shrink", "--no-color"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_every_call_answers_as_is_described(product: Product, tmp_path: Path) -> None:
    token, ids = things(product)
    lines = [f'{name} = "{value}"' for name, value in ids.items()]
    (tmp_path / CONFIG).write_text("\n".join(["[parameters]", *lines, ""]))
    runs = [calling(tmp_path, product.address, token, paths) for paths in ("^/api/", "^/rushes")]
    for run in runs:
        said, _ = run.communicate(timeout=110)
        assert run.returncode == 0, said[-20_000:]
        assert "Tested: " in said
