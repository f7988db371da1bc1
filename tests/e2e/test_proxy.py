"""Two gateways behind Nginx, as deploy/nginx.conf has it: TLS, HTTP/2, WebSockets, and whose address counts."""

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

import rushes
from mesh import tls
from rushes.project.v1.identity_service_pb2 import SignInRequest
from rushes.project.v1.identity_service_pb2_grpc import IdentityServiceStub
from tests.e2e.test_sdk import agree
from tests.engine import free_ports, listening
from tests.product import Product, serving
from tests.waiting import until
from tests.web_client import Browser

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"
NOTES = 30
SIGN_INS = 40
"""More than anybody may try at once."""


@dataclass
class Proxied:
    """A product, and the address of the proxy before its gateways."""

    product: Product
    address: str
    authority: Path
    process: "subprocess.Popen[bytes]"

    @property
    def trust(self) -> ssl.SSLContext:
        """What a client needs to trust it."""
        return ssl.create_default_context(cafile=str(self.authority))


@pytest.fixture(scope="module")
def proxied() -> Iterator[Proxied]:
    """Nginx with the configuration that is shipped, but for names and places."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    assert nginx is not None, "nginx is missing: apt install nginx-light"
    settings = {"RUSHES_GATEWAY__TRUSTED_PROXIES": "127.0.0.1", "RUSHES_GATEWAY__SIGN_INS_S": "1"}
    with (
        serving("--scale", "gateway=2", **settings) as product,
        tempfile.TemporaryDirectory(prefix="rushes-nginx-") as name,
    ):
        folder = Path(name)
        certificate, key = tls.certificate(folder / "tls", ["127.0.0.1"])
        (port,) = free_ports(1)
        text = CONFIGURATION.read_text()
        for ours, theirs in (
            ("gateway-1:8080", product.stack.address.rpartition("/")[2]),
            ("gateway-2:8080", product.stack.ready()["services"]["gateway.2"]["http"].rpartition("/")[2]),
            ("listen 8443", f"listen 127.0.0.1:{port}"),
            ("/etc/rushes/tls.crt", certificate),
            ("/etc/rushes/tls.key", key),
            ("/tmp/nginx", f"{folder}/nginx"),
            ("worker_rlimit_nofile 65536", "worker_rlimit_nofile 1024"),
            ("worker_connections 32768", "worker_connections 512"),
            ("worker_processes auto", "worker_processes 1"),
        ):
            assert ours in text
            text = text.replace(ours, theirs)
        (folder / "nginx.conf").write_text(text)
        command = [nginx, "-e", "stderr", "-p", name, "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
        process = subprocess.Popen(command)
        try:
            _wait(port, process)
            yield Proxied(product, f"https://127.0.0.1:{port}", folder / "tls" / "authority.pem", process)
        finally:
            process.terminate()
            process.wait(20)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    while not listening(port):
        assert process.poll() is None, "nginx does not start"


async def write(session: rushes.Session, name: str) -> None:
    """Notes, one after the other."""
    for number in range(NOTES):
        await session.comment(number, f"{name} {number}")
        await asyncio.sleep(0.05)


@pytest.mark.timeout(120)
async def test_people_and_programs_behind_it_work_on_while_a_gateway_dies(proxied: Proxied) -> None:
    product, ca = proxied.product, proxied.authority.read_bytes()
    connect = rushes.connect(proxied.address, session=product.secret, ca=ca)
    second = rushes.connect(proxied.address, session=product.person("reviewer"), ca=ca)
    async with connect as ann, second as bob, Browser(proxied.address, product.secret, trust=proxied.trust) as page:
        async with ann.collaborate(product.video_id) as one, bob.collaborate(product.video_id) as two:
            work = asyncio.gather(write(one, "ann"), write(two, "bob"))
            await until(lambda: len(list(one.annotations)) > 4, "the first notes")
            pid = product.stack.kill_service("gateway.2")
            await work
            await agree(one, two)
            await asyncio.to_thread(product.stack.wait_restarted, "gateway.2", pid)
            call = await page.connect()
            await call.open(product.video_id)
            part = (await call.next("snapshot_part")).snapshot_part
            await call.close()
            assert len(part.annotations) == 2 * NOTES
        async with page.request("GET", "/") as first:
            assert first.status == 200
            assert "max-age" in first.headers["Strict-Transport-Security"]


async def test_it_speaks_http_2_and_its_cookies_are_for_tls_alone(proxied: Proxied) -> None:
    context = proxied.trust
    context.set_alpn_protocols(["h2"])
    port = int(proxied.address.rpartition(":")[2])

    def agreed() -> str | None:
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            return secured.selected_alpn_protocol()

    assert await asyncio.to_thread(agreed) == "h2"
    sign_in, headers = proxied.product.stack.first_sign_in(), {"Content-Type": "application/json"}
    async with (
        Browser(proxied.address, source="127.0.0.8", trust=proxied.trust) as browser,
        browser.request("POST", "/auth/sign-in", data=json.dumps(sign_in), headers=headers) as answer,
    ):
        assert answer.status == 200
        assert "secure" in answer.headers["Set-Cookie"].lower()


async def test_the_numbers_of_a_gateway_beside_it_are_told_to_nobody_who_comes_through(proxied: Proxied) -> None:
    async with (
        Browser(proxied.address, trust=proxied.trust) as browser,
        browser.request("GET", "/metrics") as answer,
    ):
        assert answer.status == 404
    async with Browser(proxied.product.stack.address) as browser, browser.request("GET", "/metrics") as answer:
        assert answer.status == 200


async def tried(browser: Browser) -> set[int]:
    """Statuses of one wrong sign-in after the other, more than one address may try. Where from, the browser lies."""
    found = set()
    for number in range(SIGN_INS):
        guess = json.dumps({"email": f"{number}@nowhere.org", "password": "guessed"})
        headers = {"Content-Type": "application/json", "X-Forwarded-For": f"10.0.0.{number}"}
        async with browser.request("POST", "/auth/sign-in", data=guess, headers=headers) as answer:
            found.add(answer.status)
    return found


async def test_an_address_counts_as_nginx_saw_it_whatever_is_claimed(proxied: Proxied) -> None:
    async with Browser(proxied.address, source="127.0.0.7", trust=proxied.trust) as one:
        assert 429 in await tried(one)
    async with Browser(proxied.address, source="127.0.0.9", trust=proxied.trust) as other:
        guess = json.dumps({"email": "a@nowhere.org", "password": "guessed"})
        headers = {"Content-Type": "application/json"}
        async with other.request("POST", "/auth/sign-in", data=guess, headers=headers) as answer:
            assert answer.status == 401


async def test_a_program_counts_as_the_address_that_it_comes_from(proxied: Proxied) -> None:
    """The test comes from where the proxies are, so it can say for whom it asks."""
    credentials = grpc.ssl_channel_credentials(proxied.authority.read_bytes())
    async with grpc.aio.secure_channel(proxied.address.removeprefix("https://"), credentials) as channel:
        stub = IdentityServiceStub(channel)

        async def code(number: int, address: str) -> grpc.StatusCode:
            request = SignInRequest(email=f"{number}@nowhere.org", password="guessed")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.SignIn(request, metadata=(("x-forwarded-for", address),), timeout=30)
            return caught.value.code()

        codes = {await code(number, "192.0.2.1") for number in range(SIGN_INS)}
        assert codes == {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert await code(0, "192.0.2.2") is grpc.StatusCode.UNAUTHENTICATED
