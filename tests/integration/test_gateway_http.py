"""The rest of HTTP: the page, headers, origins, cookies and sign-in, media and uploads passed through."""

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import psutil
import pytest

from rushes.media.v1.media_service_pb2 import RENDITION_KIND_REVIEW, ListRenditionsRequest, ListRenditionsResponse
from rushes.project.v1.identity_service_pb2 import GetMeRequest, GetMeResponse
from tests.clips import footage
from tests.integration.conftest import FRIEND, INDEX, SCRIPT
from tests.product import Product
from tests.waiting import until
from tests.web_client import TYPE, Browser

GET_ME = "/rushes.project.v1.IdentityService/GetMe"
LIST_RENDITIONS = "/rushes.media.v1.MediaService/ListRenditions"
JSON = {"Content-Type": "application/json"}
TUS = {"Tus-Resumable": "1.0.0"}


async def get(
    browser: Browser, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> tuple[int, Mapping[str, str], bytes]:
    """One request."""
    async with browser.request(method, path, headers=headers) as answer:
        return answer.status, answer.headers, await answer.read()


async def raw(product: Product, request: str) -> tuple[int, bytes]:
    """A request whose target is sent as it is written."""
    reader, writer = await asyncio.open_connection(product.host, product.port)
    try:
        writer.write(f"{request}\r\nHost: {product.host}:{product.port}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        async with asyncio.timeout(30):
            answer = await reader.read()
        return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]
    finally:
        writer.transport.abort()


# -- the page -----------------------------------------------------------------------------------------------------


async def test_a_file_whose_name_holds_its_hash_is_kept_for_ever(stranger: Browser) -> None:
    status, headers, body = await get(stranger, "/assets/app-3f9a1c.js")
    assert (status, body) == (200, SCRIPT)
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Type"].startswith("text/javascript")


async def test_a_file_goes_packed_to_who_unpacks_it(stranger: Browser) -> None:
    for takes, packed in (("gzip", "gzip"), ("identity", "")):
        status, headers, body = await get(stranger, "/assets/packed-77ab01.js", {"Accept-Encoding": takes})
        assert (status, body) == (200, SCRIPT * 100)
        assert headers.get("Content-Encoding", "") == packed
        assert headers["Content-Type"].startswith("text/javascript")
        assert "Accept-Encoding" in headers["Vary"]


@pytest.mark.parametrize("path", ["/", "/a/12?v=1&f=20", "/sign-in", "/invite", "/index.html", "/no/such/place"])
async def test_every_place_of_the_app_is_the_page_and_is_asked_for_anew(stranger: Browser, path: str) -> None:
    status, headers, body = await get(stranger, path)
    assert (status, body) == (200, INDEX)
    assert headers["Cache-Control"] == "no-cache"


async def test_a_file_that_is_not_there_is_not_the_page(stranger: Browser) -> None:
    assert (await get(stranger, "/assets/app-old.js"))[0] == 404
    assert (await get(stranger, "/favicon.ico"))[0] == 404


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/..%5csecret.txt",
        "/secret.txt%00.js",
        "/\x00",
        "/" + "a" * 4_000,
        "/" + "%61/" * 1_000,
        "/%ff%fe",
    ],
)
async def test_no_path_leads_out_of_the_page_s_folder(product: Product, target: str) -> None:
    status, body = await raw(product, f"GET {target} HTTP/1.1")
    assert status in (200, 400, 404)
    assert b"not for you" not in body
    assert b"root:" not in body
    assert status != 200 or body == INDEX


async def test_a_page_takes_no_post(stranger: Browser) -> None:
    assert (await get(stranger, "/a/12", method="POST"))[0] == 405


# -- headers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/assets/app-3f9a1c.js"),
        ("GET", "/nothing.js"),
        ("GET", "/auth/state"),
        ("POST", "/auth/sign-in"),
        ("POST", GET_ME),
        ("GET", "/media/1/review.mp4"),
        ("GET", "/healthz"),
        ("DELETE", "/"),
    ],
)
async def test_every_answer_carries_the_headers_that_protect(browser: Browser, method: str, path: str) -> None:
    _, headers, _ = await get(browser, path, method=method)
    assert "Strict-Transport-Security" not in headers
    protected(headers)


def protected(headers: Mapping[str, str]) -> None:
    """Fails unless an answer has all of them."""
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "default-src" in headers["Content-Security-Policy"]
    assert "script-src" not in headers["Content-Security-Policy"]
    assert headers["Server"] == "Rushes"


async def test_calls_that_pass_as_bytes_and_sockets_carry_them_too(browser: Browser) -> None:
    answered, refused = await browser.rpc(GET_ME, GetMeRequest()), await browser.post(GET_ME, b"")
    assert (answered.code, refused.code) == (0, 3)
    protected(answered.headers)
    protected(refused.headers)
    call = await browser.connect()
    protected(call.ws._response.headers)
    await call.close()


async def test_media_may_do_nothing_as_a_page(product: Product, browser: Browser) -> None:
    _, headers, _ = await get(browser, f"/media/{product.video_id}/original", method="HEAD")
    assert headers["Content-Security-Policy"].startswith("sandbox")
    assert headers["Content-Disposition"].startswith("attachment")


# -- origins ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": FRIEND + ".evil.com"},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/auth/sign-in", GET_ME, "/uploads"])
async def test_pages_of_other_sites_are_refused(browser: Browser, headers: dict[str, str], path: str) -> None:
    status, answered, body = await get(browser, path, {**headers, **TYPE}, "POST")
    assert status == 403
    said = json.loads(body)
    details = [detail["debug"] for detail in said.get("details", ())]  # as errors of calls are said
    assert [one["reason"] for one in details or [said]] == ["FOREIGN_ORIGIN"]
    assert "Access-Control-Allow-Origin" not in answered


async def test_a_link_from_another_site_opens_the_page(browser: Browser) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await get(browser, "/a/1", headers))[0] == 200


async def test_the_page_itself_may_call(product: Product, browser: Browser) -> None:
    answer = await browser.rpc(GET_ME, GetMeRequest(), {"Origin": product.address, "Sec-Fetch-Site": "same-origin"})
    assert answer.code == 0


async def test_a_page_that_configuration_names_may_call_and_read_the_answer(browser: Browser) -> None:
    answer = await browser.rpc(GET_ME, GetMeRequest(), {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"})
    assert answer.code == 0
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "grpc-status" in answer.headers["Access-Control-Expose-Headers"]
    assert answer.headers["Vary"] == "Origin"


async def test_media_of_a_friendly_page_can_be_read_by_it(product: Product, browser: Browser) -> None:
    _, headers, _ = await get(browser, f"/media/{product.video_id}/poster.jpg", {"Origin": FRIEND})
    assert headers["Access-Control-Allow-Origin"] == FRIEND


async def test_a_preflight_is_answered_for_friends_alone(stranger: Browser) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-grpc-web, content-type"}
    status, headers, _ = await get(stranger, GET_ME, {**asked, "Origin": FRIEND}, "OPTIONS")
    assert status == 204
    assert headers["Access-Control-Allow-Headers"] == "x-grpc-web, content-type"
    assert "PATCH" in headers["Access-Control-Allow-Methods"]
    status, headers, _ = await get(stranger, GET_ME, {**asked, "Origin": "https://evil.example.com"}, "OPTIONS")
    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers


# -- sign-in ------------------------------------------------------------------------------------------------------


async def post(browser: Browser, path: str, body: object) -> tuple[int, dict[str, Any], SimpleCookie]:
    """POST of JSON: status, answer, cookies set."""
    async with browser.request("POST", path, headers=JSON, data=json.dumps(body)) as answer:
        cookies = SimpleCookie()
        for line in answer.headers.getall("Set-Cookie", []):
            cookies.load(line)
        return answer.status, await answer.json(), cookies


@pytest.mark.parametrize("field", ["Cookie: rushes_session=a\xff", "Authorization: Bearer a\xff"])
@pytest.mark.parametrize("line", ["GET /api/v1/me", "GET /media/1/poster.jpg", "DELETE /whip/x"])
async def test_letters_that_no_secret_has_are_nobody_s(product: Product, line: str, field: str) -> None:
    assert (await raw(product, f"{line} HTTP/1.1\r\n{field}"))[0] == 401


async def test_sign_in_sets_a_cookie_that_scripts_and_other_sites_cannot_use(
    product: Product, stranger: Browser
) -> None:
    status, answer, cookies = await post(stranger, "/auth/sign-in", product.stack.first_sign_in())
    assert status == 200
    assert answer["name"] == "Administrator"
    cookie = cookies["rushes_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Strict", "/", "")
    assert 29 * 86_400 < int(cookie["max-age"]) <= 30 * 86_400
    assert cookie.value not in json.dumps(answer)
    async with Browser(product.address, cookie.value) as signed_in:
        assert (await signed_in.rpc(GET_ME, GetMeRequest())).code == 0


async def test_signing_out_ends_the_session_everywhere(product: Product, stranger: Browser) -> None:
    _, _, cookies = await post(stranger, "/auth/sign-in", product.stack.first_sign_in())
    async with Browser(product.address, cookies["rushes_session"].value) as one:
        assert await state(one) == (True, "")
        assert (await one.rpc(GET_ME, GetMeRequest())).code == 0
        status, _, cleared = await post(one, "/auth/sign-out", {})
        assert (status, cleared["rushes_session"].value, cleared["rushes_session"]["max-age"]) == (200, "", "0")
        assert (await one.rpc(GET_ME, GetMeRequest())).code == 16
        assert await state(one) == (False, "0")


async def state(browser: Browser) -> tuple[bool, str]:
    """Whether one is signed in, and the max-age of a cookie that is set."""
    async with browser.request("GET", "/auth/state") as answer:
        assert answer.status == 200
        cookies = SimpleCookie(answer.headers.get("Set-Cookie", ""))
        age = cookies["rushes_session"]["max-age"] if "rushes_session" in cookies else ""
        return (await answer.json())["signed_in"], age


async def test_a_stranger_is_not_signed_in(stranger: Browser) -> None:
    assert await state(stranger) == (False, "")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b'{"email": 1}', "application/json", 400),
        (b'{"email": "\\ud800", "password": "x"}', "application/json", 400),
        (b'{"email": "' + b"x" * 20_000 + b'"}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"email": "a@b.c", "password": "wrong"}', "text/plain", 400),
        (b"email=a@b.c", "application/x-www-form-urlencoded", 400),
        (b'{"email": "nobody@rushes.local", "password": "wrong"}', "application/json", 401),
    ],
)
async def test_a_sign_in_that_is_wrong_is_told_so(
    stranger: Browser, body: bytes, content_type: str, status: int
) -> None:
    async with stranger.request("POST", "/auth/sign-in", headers={"Content-Type": content_type}, data=body) as answer:
        assert answer.status == status
        assert (await answer.json())["message"]
        assert "Set-Cookie" not in answer.headers


async def test_a_body_in_pieces_is_one_body(product: Product, stranger: Browser) -> None:
    whole = json.dumps(product.stack.first_sign_in()).encode()

    async def pieces() -> Any:
        for byte in whole:
            yield bytes([byte])
            await asyncio.sleep(0)

    async with stranger.request("POST", "/auth/sign-in", headers=JSON, data=pieces()) as answer:
        assert answer.status == 200


async def test_a_link_makes_a_guest_once_however_often_it_is_sent(product: Product, stranger: Browser) -> None:
    body = {"secret": product.studio.invitation("guest"), "name": "Ada", "request_id": "0123456789abcdef"}
    first = await post(stranger, "/auth/accept", body)
    again = await post(stranger, "/auth/accept", body)
    assert first[0] == again[0] == 200
    assert first[1]["person_id"] == again[1]["person_id"]
    assert first[1]["guest"]
    async with Browser(product.address, first[2]["rushes_session"].value) as guest:
        answer = await guest.rpc(GET_ME, GetMeRequest())
        assert GetMeResponse.FromString(answer.messages[0]).person.name == "Ada"


# -- media and uploads ------------------------------------------------------------------------------------------


async def review(product: Product, browser: Browser) -> tuple[str, int]:
    """Path and size of the clip's review file."""
    answer = await browser.rpc(LIST_RENDITIONS, ListRenditionsRequest(video_id=product.video_id))
    renditions = ListRenditionsResponse.FromString(answer.messages[0]).renditions
    found = next(each for each in renditions if each.kind == RENDITION_KIND_REVIEW)
    return found.path, found.size_bytes


async def test_media_comes_in_ranges(product: Product, browser: Browser) -> None:
    path, size = await review(product, browser)
    status, headers, whole = await get(browser, path)
    assert (status, len(whole), headers["Accept-Ranges"]) == (200, size, "bytes")
    for asked, begin, end in (("0-9", 0, 10), (f"{size - 5}-", size - 5, size), ("-7", size - 7, size)):
        status, headers, part = await get(browser, path, {"Range": f"bytes={asked}"})
        assert (status, part) == (206, whole[begin:end])
        assert headers["Content-Range"] == f"bytes {begin}-{end - 1}/{size}"
    assert (await get(browser, path, {"Range": f"bytes={size}-"}))[0] == 416


async def test_media_is_known_again_by_its_tag(product: Product, browser: Browser) -> None:
    path, size = await review(product, browser)
    status, headers, body = await get(browser, path, method="HEAD")
    assert (status, int(headers["Content-Length"]), body) == (200, size, b"")
    assert (await get(browser, path, {"If-None-Match": headers["ETag"]}))[0] == 304


async def test_media_needs_a_session_and_a_right(product: Product, stranger: Browser) -> None:
    path = f"/media/{product.video_id}/review.mp4"
    assert (await get(stranger, path))[0] == 401
    async with Browser(product.address, product.person("guest")) as guest:
        assert (await get(guest, path, method="HEAD"))[0] == 200
        assert (await get(guest, f"/media/{product.video_id}/original"))[0] == 403
        assert (await get(guest, "/media/987654/review.mp4"))[0] == 404


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/media/1/review.mp4",
        "/media/1/../../../../etc/passwd",
        "/media/1/..%2f..%2fproject%2fproject.db",
        "/media/%31/review%2emp4%00",
        "/media//review.mp4",
        "/media/1e3/original",
    ],
)
async def test_odd_paths_of_media_lead_nowhere(product: Product, target: str) -> None:
    status, body = await raw(product, f"GET {target} HTTP/1.1\r\nCookie: rushes_session={product.secret}")
    assert 400 <= status < 500 or body == INDEX or b"ftyp" in body[:16]
    assert b"root:" not in body
    assert b"SQLite" not in body


async def test_an_upload_passes_through_and_goes_on_after_a_cut(product: Product, browser: Browser) -> None:
    data = footage().read_bytes()
    metadata = f"filename Y2xpcC5tcDQ=,project_id {_base64(str(product.studio.project_id))}"
    create = {**TUS, "Upload-Length": str(len(data)), "Upload-Metadata": metadata}
    status, headers, _ = await get(browser, "/uploads", create, "POST")
    assert status == 201
    assert int(headers["Rushes-Video-Id"])
    path = headers["Location"]
    patch = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}

    async def cut() -> Any:
        yield data[:100_000]
        raise ConnectionResetError("cut on purpose")

    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        async with browser.request("PATCH", path, headers={**patch, "Content-Length": str(len(data))}, data=cut()):
            pass
    await until(lambda: _went_on(browser, path, data), "the upload's going on")
    assert (await get(browser, path, TUS, "HEAD"))[1]["Upload-Offset"] == str(len(data))


async def _went_on(browser: Browser, path: str, data: bytes) -> bool:
    """Sends what an upload lacks; False: the request that was cut has not let go of it yet."""
    _, headers, _ = await get(browser, path, TUS, "HEAD")
    offset = int(headers["Upload-Offset"])
    assert offset <= 100_000
    patch = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
    async with browser.request("PATCH", path, headers=patch, data=data[offset:]) as answer:
        assert answer.status in (204, 409, 423)
        return answer.status == 204


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_an_upload_without_a_session_or_a_right_is_refused(product: Product, stranger: Browser) -> None:
    create = {**TUS, "Upload-Length": "10", "Upload-Metadata": f"project_id {_base64(str(product.studio.project_id))}"}
    assert (await get(stranger, "/uploads", create, "POST"))[0] == 401
    async with Browser(product.address, product.person("guest")) as guest:
        assert (await get(guest, "/uploads", create, "POST"))[0] == 403


async def test_health_and_readiness_are_said(stranger: Browser) -> None:
    assert (await get(stranger, "/healthz"))[2] == b"ok"
    assert json.loads((await get(stranger, "/readyz"))[2]) == {"ready": True}


async def test_numbers_are_told_on_this_machine_and_to_nobody_who_comes_by_a_proxy(stranger: Browser) -> None:
    status, _, body = await get(stranger, "/metrics")
    assert (status, b"rushes_gateway_sockets" in body) == (200, True)
    status, _, body = await get(stranger, "/metrics", {"X-Forwarded-For": "192.0.2.1"})
    assert (status, b"rushes_" in body) == (404, False)


@pytest.mark.parametrize(
    ("path", "status"), [("/auth/sign-in", 415), (GET_ME, 429), ("/api/v1/projects", 429), ("/uploads", 415)]
)
async def test_a_small_body_that_unpacks_to_a_large_one_is_refused(
    product: Product, browser: Browser, path: str, status: int
) -> None:
    gateway = psutil.Process(product.stack.pids()["gateway"])
    bomb = gzip.compress(b'{"email": "' + b"x" * (64 << 20) + b'"}')
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    before_bytes = gateway.memory_info().rss

    async def ask() -> int:
        async with browser.request("POST", path, headers=headers, data=bomb) as answer:
            return answer.status

    assert set(await asyncio.gather(*(ask() for _ in range(40)))) == {status}
    assert gateway.memory_info().rss - before_bytes < 48 << 20
    async with browser.request("GET", "/healthz") as answer:
        assert answer.status == 200


async def test_a_call_by_json_may_come_packed(browser: Browser) -> None:
    for encoding, body in (("gzip", gzip.compress(b"{}")), ("deflate", zlib.compress(b"{}")), ("identity", b"{}")):
        async with browser.request("POST", GET_ME, headers={**JSON, "Content-Encoding": encoding}, data=body) as answer:
            assert (answer.status, "person" in await answer.json()) == (200, True)
    async with browser.request("POST", GET_ME, headers={**JSON, "Content-Encoding": "br"}, data=b"{}") as answer:
        assert (answer.status, (await answer.json())["code"]) == (501, "unimplemented")
