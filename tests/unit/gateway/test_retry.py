"""When those who are refused are told to come again by HTTP."""

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.http.twin import refusal
from rushes.errors import ResourceExhausted


@pytest.mark.parametrize("path", ["/api/v1/projects", "/auth/sign-in"])
@pytest.mark.parametrize(("wait_s", "said"), [(0.01, "1"), (1.0, "1"), (1.2, "2"), (2.5, "3")])
async def test_nobody_is_told_to_come_before_there_is_room(path: str, wait_s: float, said: str) -> None:
    error = ResourceExhausted("Too many.")
    error.retry_after_s = wait_s
    answer = refusal(make_mocked_request("GET", path), error)
    assert (answer.status, answer.headers["Retry-After"]) == (429, said)
