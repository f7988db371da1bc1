"""Two gateways of one product with a Redis: what somebody has asked one of them counts at the other too."""

import json
from collections.abc import Iterator

import pytest

from benchmarks.stack import Stack, running
from benchmarks.studio import Studio
from rushes.project.v1.identity_service_pb2 import ListPeopleRequest, SignInRequest
from tests.product import FAST_HASHES
from tests.web_client import Browser, retry_after_s

LIST_PEOPLE = "/rushes.project.v1.IdentityService/ListPeople"
SIGN_IN = "/rushes.project.v1.IdentityService/SignIn"
SELDOM = "0.001"
"""Calls a second: one, and no other within a test."""


@pytest.fixture(scope="module")
def stack(redis_url: str) -> Iterator[Stack]:
    """The product, with gateways that let through little."""
    limits = {
        "RUSHES_GATEWAY__REDIS": f"{redis_url}8",
        "RUSHES_GATEWAY__METHOD_CALLS_S": json.dumps({LIST_PEOPLE: SELDOM}),
        "RUSHES_GATEWAY__SIGN_INS_S": SELDOM,
    }
    with running(None, "--scale", "gateway=2", **FAST_HASHES, **limits) as found:
        yield found


def addresses(stack: Stack) -> list[str]:
    """Of both."""
    services = stack.ready()["services"]
    return [services[name]["http"] for name in ("gateway", "gateway.2")]


async def test_what_a_person_has_called_at_one_counts_at_the_other(stack: Stack) -> None:
    secret, reasons = Studio(stack).secret, []
    for address in addresses(stack):
        async with Browser(address, secret) as browser:
            answer = await browser.rpc(LIST_PEOPLE, ListPeopleRequest())
            reasons.append(answer.reason)
    assert reasons == ["", "RATE_LIMITED"]
    assert retry_after_s(answer) > 100


async def test_guesses_at_one_count_at_the_other(stack: Stack) -> None:
    reasons = []
    for address in addresses(stack):
        async with Browser(address, source="127.0.0.41") as browser:
            guess = SignInRequest(email="nobody@rushes.local", password="x")
            reasons.append((await browser.rpc(SIGN_IN, guess)).reason)
    assert reasons == ["WRONG_CREDENTIALS", "RATE_LIMITED"]
