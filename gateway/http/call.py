"""A call on a WebSocket, whichever subprotocol it came in: it joins the hub, or passes to the server behind."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.core import reply, socket
from gateway.core.grpcweb import check_encoding
from gateway.core.metadata import bearer_of, timeout_s
from gateway.http.passing import CutOffError, SocketReply, pass_through
from gateway.http.session import Caller, TokenCache, token_of_caller
from gateway.http.viewing import Events, ViewerWriter, Viewing
from gateway.passage import CallCounter, Rest, Target, block_of
from gateway.route import COLLABORATE
from rushes import errors

AdmitCall = Callable[[str, str, str], Awaitable[None]]
"""Counts a call by its path, token and address."""

Hold = Callable[[str, str], contextlib.AbstractContextManager[None]]
"""A stream of whoever has this token, at this address, for as long as the block. Raises TooManyStreams."""


@dataclass(frozen=True)
class SocketCall:
    """A call as it begins."""

    caller: Caller
    """Who opened the socket."""
    path: str
    fields: list[tuple[str, str]]
    """What the browser set for this call."""
    events: Events
    writer: ViewerWriter


@dataclass(frozen=True)
class Hub:
    """What a gateway with users has besides: sessions and the hub."""

    viewing: Viewing
    tokens: TokenCache


class SocketCalls:
    """Serves calls. Without a hub they all pass."""

    def __init__(
        self,
        resolve: Callable[[str], Target | None],
        rest: Rest,
        count: CallCounter,
        *,
        keep: frozenset[str],
        hub: Hub | None = None,
        rewrite: reply.Rewrite | None = None,
        admit: AdmitCall | None = None,
        hold: Hold | None = None,
    ) -> None:
        self._resolve = resolve
        self._rest = rest
        self._count = count
        self._keep = keep
        self._hub = hub
        self._rewrite = rewrite
        self._admit = admit
        self._hold = hold
        self.draining = False
        """What is in progress goes on; calls that are new are refused one by one."""

    @property
    def closing(self) -> bool:
        """Nothing new is taken, and sockets that bring it are told to go elsewhere, unless a call there is awaited."""
        return self._hub is not None and self._hub.viewing.closing

    def knows(self, path: str) -> bool:
        """Whether there is such a method."""
        return self._resolve(path) is not None

    def awaits(self, path: str) -> bool:
        """Whether calls of a method are waited for by a gateway that stops."""
        target = self._resolve(path)
        return target is not None and target.awaited

    async def ready(self, call: SocketCall) -> str:
        """Token of whoever calls; empty where nobody has one. Raises Unauthenticated and Unavailable."""
        if self.draining or self.closing:
            raise errors.Unavailable("This gateway is going away.")
        target = self._resolve(call.path)
        if self._hub is None or target is None or target.public:
            return ""
        token = await token_of_caller(call.caller, self._hub.tokens) or bearer_of(
            dict(call.fields).get("authorization", "")
        )
        if not token:
            raise errors.Unauthenticated("Sign in first.")
        return token

    async def admit(self, call: SocketCall, token: str) -> None:
        """Counts a call on a socket. Raises RateLimited."""
        if self._admit is not None:
            await self._admit(call.path, token, call.caller.address)

    async def serve(self, call: SocketCall, token: str) -> None:
        """The call, until either side ends it. Raises RushesError, ProtocolError and CutOffError."""
        check_encoding(dict(call.fields).get("grpc-encoding", ""))
        with self._held(call, token):
            await self._serve(call, token)

    def _held(self, call: SocketCall, token: str) -> contextlib.AbstractContextManager[None]:
        """A call that stays open counts among the streams; one message for one answer does not, as by POST."""
        target = self._resolve(call.path)
        if self._hold is None or target is None or (target.unary and target.single):
            return contextlib.nullcontext()
        return self._hold(token, call.caller.address)

    async def _serve(self, call: SocketCall, token: str) -> None:
        if call.path == COLLABORATE and self._hub is not None:
            call.writer.write(socket.binary_frame(socket.headers()))
            await self._hub.viewing.serve(call.events, call.writer, token, call.caller.secret)
            return
        target = self._resolve(call.path)
        if target is None:
            raise errors.NotFound("There is no such method.")
        timeout = dict(call.fields).get("grpc-timeout", "") or target.default_timeout
        block = block_of(target, call.caller.host, call.fields, timeout=timeout, keep=self._keep)
        block += self._rest(token, call.caller.address, has_request_id(call.fields))
        answer = SocketReply(call.writer, self._rewrite)
        code = await pass_through(target, block, call.events, answer, timeout_s(timeout))
        self._count(call.path, code)
        if answer.cut:
            raise CutOffError


def has_request_id(fields: list[tuple[str, str]]) -> bool:
    """Whether the caller has named its request."""
    return any(name == "rushes-request-id" for name, _ in fields)
