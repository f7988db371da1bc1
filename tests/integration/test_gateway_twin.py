"""What a script does with JSON alone."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from benchmarks.studio import PROJECT
from rushes.project.v1.project_service_pb2 import ListAssetsRequest, ListProjectsRequest, ListProjectsResponse
from tests.product import Product
from tests.web_client import Browser

GET_ME = "/rushes.project.v1.IdentityService/GetMe"
GET_PROJECT = "/rushes.project.v1.ProjectService/GetProject"
LIST_PROJECTS = "/rushes.project.v1.ProjectService/ListProjects"
JSON = {"Content-Type": "application/json"}


async def ask(
    browser: Browser, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {**(JSON if data is not None else {}), **(headers or {})}
    async with browser.request(method, path, headers=sent, data=data) as answer:
        assert answer.content_type == "application/json"
        return answer.status, await answer.json()


async def test_a_call_by_its_name(browser: Browser) -> None:
    status, me = await ask(browser, "POST", GET_ME, {})
    assert status == 200
    assert me["person"]["administrator"] is True


async def test_a_call_by_its_name_in_protobuf(browser: Browser) -> None:
    body = ListProjectsRequest(page_size=1).SerializeToString()
    async with browser.request("POST", LIST_PROJECTS, headers={"Content-Type": "application/proto"}, data=body) as got:
        assert (got.status, got.content_type) == (200, "application/proto")
        assert len(ListProjectsResponse.FromString(await got.read()).projects) == 1


async def test_a_project_is_made_renamed_and_read_by_readable_paths(browser: Browser) -> None:
    status, made = await ask(browser, "POST", "/api/v1/projects", {"name": "By script", "requestId": "a" * 32})
    assert status == 200
    path = f"/api/v1/projects/{made['project']['projectId']}"
    body = {
        "project": {"name": "Renamed", "etag": made["project"]["etag"]},
        "updateMask": "name",
        "requestId": "b" * 32,
    }
    assert (await ask(browser, "PATCH", path, body))[0] == 200
    status, read = await ask(browser, "GET", path)
    assert (status, read["project"]["name"]) == (200, "Renamed")
    _, listed = await ask(browser, "GET", "/api/v1/projects?page_size=1000")
    assert made["project"]["projectId"] in [one["projectId"] for one in listed["projects"]]


async def test_notes_of_a_frame_are_found_by_video_and_by_asset(product: Product, browser: Browser) -> None:
    import rushes

    async with (
        rushes.connect(product.address, session=product.secret) as client,
        client.collaborate(product.video_id) as session,
    ):
        await session.comment(123, "seen by a script")
    status, found = await ask(browser, "GET", f"/api/v1/annotations/{product.video_id}?q=frame:123")
    assert status == 200
    assert [note["text"] for note in found["annotations"]] == ["seen by a script"]
    _, nothing = await ask(browser, "GET", f"/api/v1/annotations/{product.video_id}?q=frame:124")
    assert "annotations" not in nothing
    _, projects = await ask(browser, "GET", "/api/v1/projects")
    assets = [
        asset
        for project in projects["projects"]
        for asset in (await ask(browser, "GET", f"/api/v1/projects/{project['projectId']}/assets"))[1].get("assets", [])
        if str(product.video_id) in [cut["videoId"] for cut in asset["cuts"]]
    ]
    path = f"/api/v1/assets/{assets[0]['assetId']}/annotations?q=frame:123"
    assert (await ask(browser, "GET", path))[1]["annotations"] == found["annotations"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", GET_PROJECT, {"projectId": "987654"}, 404, "not_found"),
        ("POST", GET_PROJECT, {"nothing": 1}, 400, "invalid_argument"),
        ("POST", GET_PROJECT, b"{", 400, "invalid_argument"),
        ("POST", GET_PROJECT, [], 400, "invalid_argument"),
        ("POST", GET_PROJECT + "Too", {}, 501, "unimplemented"),
        ("GET", "/api/v1/projects/987654", None, 404, "not_found"),
        ("GET", "/api/v1/projects/seven", None, 400, "invalid_argument"),
        ("GET", "/api/v1/projects?page_size=many", None, 400, "invalid_argument"),
        ("GET", "/api/v1/nothing", None, 404, "not_found"),
        ("GET", "/api/v1/assets/987654/annotations", None, 404, "not_found"),
        ("GET", "/api/v1/assets/seven/annotations", None, 404, "not_found"),
        ("POST", "/api/v1/projects", b"x" * (5 << 20), 429, "resource_exhausted"),
    ],
)
async def test_an_error_is_json_with_a_code(
    browser: Browser, method: str, path: str, body: Any, status: int, code: str
) -> None:
    chunked = {"Transfer-Encoding": "chunked"} if isinstance(body, bytes) and len(body) > 1 << 20 else {}
    if chunked:
        async with browser.request(method, path, headers=JSON, data=iter_chunks(body)) as answer:
            assert (answer.status, (await answer.json())["code"]) == (status, code)
        return
    found = await ask(browser, method, path, body)
    assert (found[0], found[1]["code"]) == (status, code)
    assert found[1]["message"]


async def iter_chunks(body: bytes) -> Any:
    """A body in pieces."""
    for at in range(0, len(body), 64 * 1024):
        yield body[at : at + 64 * 1024]


async def test_a_stranger_is_told_to_sign_in(stranger: Browser) -> None:
    status, error = await ask(stranger, "GET", "/api/v1/me")
    assert (status, error["code"]) == (401, "unauthenticated")
    assert error["details"][0]["debug"]["reason"] == "TOKEN_MISSING"


async def test_a_deadline_is_kept(browser: Browser) -> None:
    status, error = await ask(browser, "POST", GET_ME, {}, {"Connect-Timeout-Ms": "0"})
    assert (status, error["code"]) == (504, "deadline_exceeded")
    assert (await ask(browser, "POST", GET_ME, {}, {"Connect-Timeout-Ms": "soon"}))[0] == 400


async def test_other_http_methods_and_types_are_not_taken(browser: Browser) -> None:
    async with browser.request("DELETE", "/api/v1/projects") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET,POST")
    async with browser.request("POST", "/api/v1/projects", headers={"Content-Type": "text/plain"}, data=b"x") as answer:
        assert (answer.status, (await answer.json())["code"]) == (415, "invalid_argument")


def commands(text: str) -> list[str]:
    """Those of a text for people."""
    return [line for line in text.replace("\\\n", " ").splitlines() if line.startswith("curl ")]


async def do(product: Product, folder: Path, said: list[str]) -> list[Any]:
    """What commands print, one after the other, with names and numbers that there are here."""
    found = product.stack.rpc(
        PROJECT, "ListAssets", ListAssetsRequest(project_id=product.studio.project_id), product.secret
    )
    asset = next(one for one in found.assets if product.video_id in [cut.video_id for cut in one.cuts])
    person = product.stack.first_sign_in()
    script = "\n".join(said)
    for there, here in {
        "https://review.example.com": product.address,
        "ada@example.com": person["email"],
        "correct horse": person["password"],
        "/assets/3/": f"/assets/{asset.asset_id}/",
        "/annotations/12?": f"/annotations/{product.video_id}?",
        '"7"': f'"{product.studio.project_id}"',
        "curl ": "curl --silent --show-error --fail-with-body --write-out '\\n' ",
    }.items():
        script = script.replace(there, here)
    environ = {**os.environ, "TOKEN": product.token()}
    child = await asyncio.create_subprocess_exec(
        "bash", "-ec", script, cwd=folder, env=environ, stdout=PIPE, stderr=PIPE
    )
    out, err = await child.communicate()
    assert child.returncode == 0, (out, err)
    return [json.loads(line) for line in out.splitlines() if line]


MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "gateway.md").read_text()


async def test_the_commands_of_the_manual_do_what_they_say(product: Product, tmp_path: Path) -> None:
    answers = await do(product, tmp_path, commands(MANUAL))
    assert [next(iter(answer)) for answer in answers[:4]] == ["openapi", "person_id", "person", "projects"]
    assert len(answers) == len(commands(MANUAL)) == 8


async def test_the_description_begins_with_commands_that_do_what_they_say(
    product: Product, browser: Browser, tmp_path: Path
) -> None:
    _, document = await ask(browser, "GET", "/api")
    answers = await do(product, tmp_path, commands(document["info"]["description"]))
    assert [next(iter(answer)) for answer in answers[:4]] == ["person_id", "person", "projects", "project"]
    assert len(answers) == 6


async def test_what_there_is_is_described(browser: Browser) -> None:
    status, document = await ask(browser, "GET", "/api")
    assert (status, document["openapi"]) == (200, "3.1.0")
    assert "/api/v1/annotations/{video_id}" in document["paths"]
    assert LIST_PROJECTS in document["paths"]
    assert (await ask(browser, "GET", "/api/"))[1] == document


@pytest.mark.parametrize("path", ["/api/v1", "/api/v2/projects", "/api/nothing"])
async def test_what_is_no_path_of_a_call_is_not_the_page_either(browser: Browser, path: str) -> None:
    status, error = await ask(browser, "GET", path)
    assert (status, error["details"][0]["debug"]["reason"]) == (404, "NO_SUCH_PATH")
