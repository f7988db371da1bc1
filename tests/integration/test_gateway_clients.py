"""Existing gRPC-Web clients, as they come from npm, work with the gateway as they are: in Node and in Chromium."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from gateway.standalone import Alone
from tests.e2e.page import ARGUMENTS, CHROMIUM
from tests.integration.echo_server import EchoServer

HERE = Path(__file__).resolve().parent.parent
CLIENTS, NODE = HERE / "clients", HERE.parent / "scripts" / "node"
INSTALLED = HERE.parent / ".cache" / "clients"
BUNDLER = HERE.parent / "web" / "node_modules" / "rolldown" / "bin" / "cli.mjs"
FORTY = " ".join(map(str, range(40)))


async def run(*command: str, timeout_s: float = 100.0) -> str:
    """What a command prints. Raises AssertionError if it fails."""
    child = await asyncio.create_subprocess_exec(
        *command, cwd=INSTALLED, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(timeout_s):
        out, err = await child.communicate()
    assert child.returncode == 0, err.decode()[-3000:]
    return out.decode()


async def in_node(address: str, folder: Path) -> dict[str, Any]:
    """What each client got in Node."""
    found: dict[str, Any] = json.loads(await run(str(NODE), "node.mjs", address))
    return found


async def in_chromium(address: str, folder: Path) -> dict[str, Any]:
    """What each client got in a page of another origin: by another name, the same machine is one."""
    bundle = folder / "clients.js"
    to_script = ("--format", "iife", "--name", "clients", "--platform", "browser")
    await run(str(NODE), str(BUNDLER), "clients.mjs", "--file", str(bundle), *to_script)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        page = await browser.new_page(bypass_csp=True)
        await page.goto(address.replace("127.0.0.1", "localhost") + "/healthz")
        await page.add_script_tag(path=str(bundle))
        found: dict[str, Any] = await page.evaluate("address => clients.everything(address)", address)
        await browser.close()
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[in_node, in_chromium])
async def got(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Any]]:
    """What each client got."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    lock = (CLIENTS / "package-lock.json").read_bytes()
    installed = INSTALLED / "installed.json"
    try:
        if not installed.exists() or installed.read_bytes() != lock:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(CLIENTS / name, INSTALLED / name)
            await run(str(NODE), "--npm", "ci", "--no-audit", "--no-fund")
            installed.write_bytes(lock)
    except (AssertionError, OSError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the clients cannot be installed here: {error}")
    for name in ("clients.mjs", "node.mjs"):
        shutil.copy(CLIENTS / name, INSTALLED / name)
    async with EchoServer() as server:
        gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}")
        await gateway.start()
        try:
            found = await request.param(f"http://127.0.0.1:{gateway.port}", tmp_path_factory.mktemp("bundle"))
        finally:
            await gateway.stop()
    yield found


@pytest.mark.parametrize("mode", ["official_binary", "official_text"])
async def test_the_official_client_in_both_modes(got: dict[str, Any], mode: str) -> None:
    found = got[mode]
    assert found["unary"] == "hällo"
    assert found["error"] == [5, "nothing hère"]
    assert (found["deadline"], found["missing"]) == (4, 12)
    assert found.get("stream", FORTY) == FORTY


async def test_connect_web(got: dict[str, Any]) -> None:
    found = got["connect_binary"]
    assert found["unary"] == ["hällo", "1", "2"]
    assert found["error"] == [5, "nothing hère", True]
    assert (found["deadline"], found["missing"], found["stream"]) == (4, True, FORTY)


async def test_nice_grpc_web_and_its_sockets(got: dict[str, Any]) -> None:
    found = got["nice"]
    assert (found["unary"], found["first"], found["stream"]) == ("hällo", "1", FORTY)
    assert found["error"] == [5, "nothing hère", True]
    assert found["both"] == ["one", "two"]


async def test_the_client_that_grpc_websockets_come_from(got: dict[str, Any]) -> None:
    assert got["improbable"] == {"code": 0, "message": "", "both": ["one", "two"]}
