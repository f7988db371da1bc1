"""Who guesses passwords is slowed down by the address that they really come from, through each door."""

import json
from collections.abc import Awaitable, Callable

import rushes
from rushes.errors import ResourceExhausted, Unauthenticated
from rushes.project.v1.identity_service_pb2 import SignInRequest
from tests.cutting_proxy import CuttingProxy
from tests.product import Product
from tests.web_client import Browser

SIGN_IN = "/rushes.project.v1.IdentityService/SignIn"
ATTEMPTS = 40
"""More than one address may make (30); each with another e-mail address, which alone is slowed down after 5."""


async def reasons(attempt: Callable[[str], Awaitable[str]]) -> list[str]:
    """How attempts ended, until one is slowed down."""
    found: list[str] = []
    while "TOO_MANY_ATTEMPTS" not in found and len(found) < ATTEMPTS:
        found.append(await attempt(f"nobody-{len(found)}@rushes.local"))
    return found


def slowed(found: list[str]) -> bool:
    """Wrong, wrong, ..., too many."""
    return set(found[:-1]) == {"WRONG_CREDENTIALS"} and found[-1] == "TOO_MANY_ATTEMPTS"


async def test_guesses_on_the_page_count_by_address(product: Product) -> None:
    async def guess(browser: Browser, email: str) -> str:
        body = json.dumps({"email": email, "password": "guessed"})
        headers = {"Content-Type": "application/json", "rushes-client": email, "X-Forwarded-For": email}
        async with browser.request("POST", "/auth/sign-in", headers=headers, data=body) as answer:
            reason: str = (await answer.json())["reason"]
            return reason

    async with Browser(product.address, source="127.0.0.9") as one, Browser(product.address) as other:
        assert slowed(await reasons(lambda email: guess(one, email)))
        assert await guess(other, "nobody@rushes.local") == "WRONG_CREDENTIALS"


async def test_guesses_by_grpc_web_count_by_address(product: Product) -> None:
    async with Browser(product.address, source="127.0.0.10") as browser:

        async def guess(email: str) -> str:
            request = SignInRequest(email=email, password="guessed")
            return (await browser.rpc(SIGN_IN, request, {"rushes-client": email})).reason

        assert slowed(await reasons(guess))


async def test_guesses_by_programs_count_by_address(product: Product) -> None:
    async with CuttingProxy(product.host, product.port, source="127.0.0.11") as proxy:

        async def guess(email: str) -> str:
            try:
                async with rushes.connect(proxy.address, email=email, password="guessed"):
                    return ""
            except (Unauthenticated, ResourceExhausted) as error:
                return error.reason

        assert slowed(await reasons(guess))
    who = product.stack.first_sign_in()
    async with rushes.connect(product.address, email=who["email"], password=who["password"]) as client:
        assert (await client.me()).administrator
