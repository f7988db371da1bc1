"""No, forged, expired and foreign tokens, and another tenant's ids: on every RPC and HTTP path, through each door."""

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.route import COLLABORATE, ROUTES
from mesh.rpc import to_error
from rushes.annotation.v1.annotation_service_pb2 import CollaborateOpen, CollaborateRequest, CollaborateResponse
from tests.e2e import tenant
from tests.e2e.doors import id_fields, native, needed_field, paths, request
from tests.e2e.tenant import TUS, Things
from tests.product import Product
from tests.web_client import Browser

PRIVATE = paths("needs", "signed_in")
# Of a readable path alone: the gateway looks the asset up and puts its video in; who calls by name names the video.
BY_PATH = ("/rushes.annotation.v1.AnnotationService/ListAnnotations", "asset_id")
ID_FIELDS = [(path, field) for path in PRIVATE for field in id_fields(path) if (path, field) != BY_PATH]
FILES = ("original", "review.mp4", "poster.jpg", "filmstrip.jpg")
NOT_FOUND, UNAUTHENTICATED = 5, 16
THEIR_WORDS = (b"Zoe of Second", b"zoe@second.org", b"Theirs alone", b"Their secret clip")


@pytest.fixture(scope="module")
def ours(product: Product) -> Things:
    """One of everything in the first tenant."""
    return tenant.first(product)


@pytest.fixture(scope="module")
def theirs(product: Product) -> Things:
    """One of everything in another."""
    return tenant.second(product)


@pytest.fixture(scope="module")
def key(product: Product) -> tuple[str, Ed25519PrivateKey]:
    """Name and value of the key that signs tokens."""
    found = tenant.signing_key(product.stack)
    return found.kid, Ed25519PrivateKey.from_private_bytes(found.private)


@pytest.fixture
async def channel(product: Product) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(f"{product.host}:{product.port}") as opened:
        yield opened


def encoded(part: object) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def wrong_tokens(product: Product, key: tuple[str, Ed25519PrivateKey]) -> dict[str, str]:
    """Tokens that nobody may be let in with, by what is wrong with them."""
    kid, private = key
    genuine = product.token()
    header, payload, signature = genuine.split(".")
    claims = jwt.decode(genuine, options={"verify_signature": False})
    public = private.public_key().public_bytes_raw()
    stranger = Ed25519PrivateKey.generate()

    def signed(with_: Ed25519PrivateKey = private, kid_: str = kid, **changes: object) -> str:
        changed = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(changed, with_, algorithm="EdDSA", headers={"kid": kid_})

    def hashed(alg: str, secret: bytes) -> str:
        body = f"{encoded({'alg': alg, 'typ': 'JWT', 'kid': kid})}.{payload}"
        digest = hmac.new(secret, body.encode(), hashlib.sha256).digest()
        return f"{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    flipped = ("A" if signature[5] != "A" else "B").join((signature[:5], signature[6:]))
    return {
        "no token at all": "",
        "not a token": "hello",
        "three empty parts": "..",
        "no signature": f"{header}.{payload}.",
        "another signature": f"{header}.{payload}.{flipped}",
        "changed claims": f"{header}.{encoded({**claims, 'sub': 'admin'})}.{signature}",
        "signed by a stranger": signed(stranger),
        "of another installation": signed(stranger, "another-key"),
        "a path as key": signed(stranger, "../../dev/null"),
        "expired": signed(exp=int(time.time()) - 5),
        "of the future": signed(iat=int(time.time()) + 3600),
        "for somebody else": signed(aud="another"),
        "for many": signed(aud=["rushes", "another"]),
        "without an end": signed(exp=None),
        "without a session": signed(sid=None),
        "without a tenant": signed(tid=None),
        "a number as person": signed(sub=None) if claims["sub"] == 1 else signed(sub=""),
        "alg none": f"{encoded({'alg': 'none', 'kid': kid})}.{payload}.",
        "alg None": f"{encoded({'alg': 'None', 'kid': kid})}.{payload}.{signature}",
        "alg missing": f"{encoded({'kid': kid})}.{payload}.{signature}",
        "alg HS256 over the public key": hashed("HS256", public),
        "alg HS256 over nothing": hashed("HS256", b""),
        "its own key in it": jwt.encode(
            claims,
            stranger,
            algorithm="EdDSA",
            headers={"kid": kid, "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}},
        ),
        "9,000 letters": signed(more="x" * 9_000),
    }


def filled(path: str, things: Things, **others: Any) -> dict[str, Any]:
    """Values for all ids of an RPC's request, and what else it cannot do without."""
    fields = {field: things.of(field) for field in id_fields(path)}
    names = {field.name for field in request(path, {}).DESCRIPTOR.fields}
    more = {"name": "Administrator", "role": "member", "title": "A title", "request_id": os.urandom(8).hex()}
    if path.endswith("/UpdateCut"):
        fields["cut.number"] = 1
    elif path.endswith("/BatchUpdateAssets"):
        fields["asset_ids"] = [things.asset_id]
    elif path.endswith("/DeleteFolder"):
        fields["folder_id"] = things.spare_folder_id
    return {**fields, **{name: value for name, value in more.items() if name in names}, **others}


def test_every_method_that_is_open_to_the_outside_is_looked_at() -> None:
    assert set(PRIVATE) | set(paths("public")) == set(ROUTES)
    assert len(PRIVATE) > 20
    assert {field.rpartition(".")[2] for _, field in ID_FIELDS} == {
        *("person_id", "person_ids", "project_id", "asset_id", "video_id", "job_id", "invitation_id"),
        *("from_video_id", "to_video_id", "version_id", "base_version_id", "from_version_id", "to_version_id"),
        *("into_version_id", "rollback_id", "folder_id", "room_id"),
    }


@pytest.mark.parametrize("path", PRIVATE)
async def test_no_wrong_token_opens_a_method(
    path: str, product: Product, ours: Things, channel: Any, wrong_tokens: dict[str, str]
) -> None:
    message = request(path, filled(path, ours))
    let_in = []
    async with Browser(product.address) as browser:
        for what, token in wrong_tokens.items():
            code, _, _ = await native(channel, path, message, token)
            if code != UNAUTHENTICATED:
                let_in.append((what, "native", code))
            if not ROUTES[path].client_streaming:
                answer = await browser.rpc(path, message, {"Authorization": f"Bearer {token}"})
                # A header that is longer than any token may be is refused as such.
                if answer.code != UNAUTHENTICATED and answer.status != 400:
                    let_in.append((what, "gRPC-Web", answer.code))
    assert not let_in
    assert (await native(channel, path, message, None))[0] == UNAUTHENTICATED
    assert (await native(channel, path, message, product.token()))[0] not in (UNAUTHENTICATED, NOT_FOUND)


async def test_no_wrong_token_opens_a_socket(product: Product, wrong_tokens: dict[str, str]) -> None:
    async with Browser(product.address) as browser:
        for what, token in wrong_tokens.items():
            call = await browser.connect()
            await call.begin(f"authorization: Bearer {token}\r\n")
            await call.send(CollaborateRequest(open=CollaborateOpen(video_id=product.video_id)))
            assert (await call.ended()).code == UNAUTHENTICATED, what


def http_requests(things: Things) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Method, path and headers of each HTTP request that is about somebody's things."""
    project = base64.b64encode(str(things.project_id).encode()).decode()
    metadata = {"Upload-Metadata": f"project_id {project}"}
    bytes_ = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    yield "POST", "/uploads", {**TUS, **metadata, "Upload-Length": "10"}
    yield "POST", "/uploads", {**TUS, **metadata, "Upload-Concat": f"final;{things.part}"}
    for method, headers in (("HEAD", TUS), ("PATCH", {**TUS, **bytes_}), ("DELETE", TUS)):
        yield method, things.upload, headers
    for method in ("GET", "HEAD"):
        for name in FILES:
            yield method, f"/media/{things.video_id}/{name}", {"Range": "bytes=0-9"}


async def test_no_wrong_token_opens_uploads_or_media(
    product: Product, ours: Things, wrong_tokens: dict[str, str]
) -> None:
    async with Browser(product.address) as browser:
        for method, path, headers in http_requests(ours):
            for what, token in wrong_tokens.items():
                if len(token) > 8_000:
                    continue  # a header of that length is refused before anything is looked at
                all_headers = {**headers, "Authorization": f"Bearer {token}"}
                async with browser.request(method, path, headers=all_headers) as answer:
                    assert answer.status == 401, (what, method, path)
            async with browser.request(method, path, headers=headers) as answer:
                assert answer.status == 401, (method, path)


async def test_no_wrong_cookie_opens_anything(product: Product, ours: Things) -> None:
    for secret in ("wrong", "x" * 300, "../../etc/passwd", ours.secret[:-1], ours.secret + "x"):
        async with Browser(product.address, secret) as browser:
            for method, path, headers in http_requests(ours):
                async with browser.request(method, path, headers=headers) as answer:
                    assert answer.status == 401, (secret, method, path)
            for path in (path for path in PRIVATE if not ROUTES[path].client_streaming):
                answered = await browser.rpc(path, request(path, filled(path, ours)))
                assert answered.code == UNAUTHENTICATED, (secret, path)


async def test_a_session_on_a_stream_ends_when_its_token_does(
    product: Product, channel: Any, key: tuple[str, Ed25519PrivateKey]
) -> None:
    kid, private = key
    claims = jwt.decode(product.token(), options={"verify_signature": False})
    short = jwt.encode({**claims, "exp": int(time.time()) + 2}, private, algorithm="EdDSA", headers={"kid": kid})
    call = channel.stream_stream(COLLABORATE)(metadata=(("authorization", f"Bearer {short}"),), timeout=60)
    opening = CollaborateRequest(open=CollaborateOpen(video_id=product.video_id))
    await call.write(opening.SerializeToString())
    assert CollaborateResponse.FromString(await call.read()).HasField("opened")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read_all(call)
    assert (caught.value.code(), to_error(caught.value).reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")


async def read_all(call: Any) -> None:
    """Reads a stream to its end."""
    while await call.read() is not grpc.aio.EOF:
        pass


# -- another tenant -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "field"), ID_FIELDS)
async def test_another_tenant_s_thing_is_not_there(
    path: str, field: str, product: Product, ours: Things, theirs: Things, channel: Any
) -> None:
    for mine, other in ((ours, theirs), (theirs, ours)):
        token = product.token(mine.secret)
        message = request(path, filled(path, mine, **{field: other.of(field)}))
        code, _, payload = await native(channel, path, message, token)
        if field == "person_ids" or (path.endswith("/Revoke") and field == "person_id"):
            assert code in (0, NOT_FOUND), "nobody is found, and nobody's role is taken"
        else:
            assert code == NOT_FOUND, f"{code} with {other.of(field)}"
        if mine is ours:
            assert not [word for word in THEIR_WORDS if word in payload]


@pytest.mark.parametrize("path", [path for path in PRIVATE if needed_field(path)])
async def test_what_a_method_is_about_must_be_said_and_be_there(
    path: str, product: Product, ours: Things, channel: Any
) -> None:
    field = needed_field(path)
    for value in (0, 987_654_321, 2**62):
        message = request(path, filled(path, ours, **{field: value}))
        assert (await native(channel, path, message, product.token()))[0] == NOT_FOUND
    assert (await native(channel, path, request(path, {}), product.token()))[0] in (3, NOT_FOUND)


async def test_another_tenant_s_uploads_and_media_are_not_there(product: Product, ours: Things, theirs: Things) -> None:
    for mine, other in ((ours, theirs), (theirs, ours)):
        async with Browser(product.address, mine.secret) as browser:
            for method, path, headers in http_requests(other):
                async with browser.request(method, path, headers=headers) as answer:
                    assert answer.status == 404, (method, path)
            joined = dict(list(http_requests(mine))[1][2], **{"Upload-Concat": f"final;{other.part}"})
            async with browser.request("POST", "/uploads", headers=joined) as answer:
                assert answer.status == 404


async def test_lists_hold_nothing_of_another_tenant(
    product: Product, ours: Things, theirs: Things, channel: Any
) -> None:
    listed = [path for path in PRIVATE if path.rpartition("/")[2].startswith("List")]
    assert len(listed) >= 6
    for path in listed:
        code, _, payload = await native(
            channel, path, request(path, filled(path, ours, **_everybody(path))), product.token()
        )
        assert code == 0, path
        assert not [word for word in THEIR_WORDS if word in payload and word != b"Their secret clip"], path
        assert theirs.person_id.encode() not in payload, path


def _everybody(path: str) -> dict[str, Any]:
    return {"person_ids": []} if path.endswith("/ListPeople") else {}
