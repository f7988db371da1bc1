"""The RPC at hand."""

import pytest

from mesh.auth import Caller, caller, renew
from mesh.auth.caller import CALL, Call
from rushes.errors import Unauthenticated


def test_a_stream_that_is_given_a_newer_token_calls_others_with_it() -> None:
    given = CALL.set(Call(None, Caller("gateway", "ada", token="older")))
    try:
        renew(Caller("gateway", "ada", token="newer"))
        assert caller().token == "newer"
    finally:
        CALL.reset(given)


def test_where_nobody_calls_nothing_is_renewed() -> None:
    renew(Caller("gateway", "ada"))
    with pytest.raises(Unauthenticated):
        caller()
