"""A host that is not loopback: TLS with an authority of its own, for browsers and programs alike."""

import asyncio
import json
import ssl
import tempfile
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp
import pytest

import rushes
from benchmarks.stack import Stack
from tests.clips import footage
from tests.product import FAST_HASHES
from tests.web_client import COLLABORATE, Browser

HOST = "127.0.0.2"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack that listens on another address."""
    with tempfile.TemporaryDirectory(prefix="rushes-test-") as folder:
        running = Stack(Path(folder) / "data", environ=FAST_HASHES, arguments=("--host", HOST))
        try:
            yield running.start()
            running.stop()
        finally:
            running.kill()


@pytest.fixture
def authority(stack: Stack) -> Path:
    """What one is to trust."""
    return stack.data / "tls" / "authority.pem"


def trust(authority: Path, *protocols: str) -> ssl.SSLContext:
    """A client's settings that trust it."""
    context = ssl.create_default_context(cafile=str(authority))
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


async def handshake(stack: Stack, context: ssl.SSLContext) -> ssl.SSLObject:
    """A TLS connection's facts."""
    _, writer = await asyncio.open_connection(HOST, stack.port, ssl=context)
    try:
        found: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return found
    finally:
        writer.transport.abort()


async def test_it_says_where_it_is_and_how_to_trust_it(stack: Stack) -> None:
    assert stack.address == f"https://{HOST}:{stack.port}"
    said = stack.output()
    assert f"https://{HOST}:{stack.port}" in said
    assert str(stack.data / "tls" / "authority.pem") in said


async def test_its_certificate_is_for_its_address(stack: Stack, authority: Path) -> None:
    met = await handshake(stack, trust(authority))
    certificate = met.getpeercert()
    assert certificate is not None
    assert ("IP Address", HOST) in certificate["subjectAltName"]
    assert met.version() == "TLSv1.3"


async def test_who_does_not_trust_the_authority_is_not_connected(stack: Stack) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await handshake(stack, ssl.create_default_context())


async def test_older_tls_is_refused(stack: Stack, authority: Path) -> None:
    context = trust(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await handshake(stack, context)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (("h2", "http/1.1"), "http/1.1"),
        (("http/1.1", "h2"), "http/1.1"),
        (("h2",), "h2"),
        (("http/1.1",), "http/1.1"),
        ((), None),
    ],
)
async def test_browsers_get_http_1_and_grpc_gets_http_2(
    stack: Stack, authority: Path, offered: tuple[str, ...], chosen: str | None
) -> None:
    assert (await handshake(stack, trust(authority, *offered))).selected_alpn_protocol() == chosen


async def test_a_browser_signs_in_with_a_cookie_that_only_tls_carries(stack: Stack, authority: Path) -> None:
    async with Browser(stack.address, trust=trust(authority)) as browser:
        body = json.dumps(stack.first_sign_in())
        headers = {"Content-Type": "application/json"}
        async with browser.request("POST", "/auth/sign-in", headers=headers, data=body) as answer:
            assert answer.status == 200
            cookie = SimpleCookie(answer.headers["Set-Cookie"])["rushes_session"]
            assert cookie["secure"]
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_a_program_works_over_tls_in_every_way(stack: Stack, authority: Path) -> None:
    who = stack.first_sign_in()
    ca = authority.read_bytes()  # noqa: ASYNC240
    async with rushes.connect(stack.address, email=who["email"], password=who["password"], ca=ca) as client:
        project = (await client.projects())[0]
        video_id = await client.upload(footage(), project.project_id)
        await client.create_asset(project.project_id, video_id)
        await client.wait_ready(video_id)
        async with client.collaborate(video_id) as session:
            await session.comment(1, "over TLS")
        assert [note.text for note in await client.annotations(video_id)] == ["over TLS"]
        secret = client.session_secret
    async with Browser(stack.address, secret, trust=trust(authority)) as browser:
        call = await browser.connect(COLLABORATE)
        await call.open(video_id)
        part = (await call.next("snapshot_part")).snapshot_part
        assert [state.annotation.text for state in part.annotations] == ["over TLS"]
        await call.close()


async def test_without_tls_nothing_is_answered(stack: Stack) -> None:
    async with Browser(f"http://{HOST}:{stack.port}") as browser:
        with pytest.raises(aiohttp.ClientError):
            async with browser.request("GET", "/healthz"):
                pass
