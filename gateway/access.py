"""Who calls: cookies and bearer tokens become the token that services verify; addresses and rates are checked."""

import logging
from collections.abc import Awaitable
from contextlib import AbstractContextManager
from secrets import token_hex

from google.rpc import code_pb2

from gateway.core import hpack, reply
from gateway.core.forwarded import Network, client_address
from gateway.core.hpack import Field
from gateway.core.kept import Kept
from gateway.core.limit import Demand
from gateway.core.metadata import CLIENT_METADATA, SERVICE_METADATA, bearer_of, cookie_of
from gateway.holding import Release, Streams
from gateway.http.session import COOKIE, MAX_SECRET, TokenCache
from gateway.limiter import Limiter, Policy, refusal
from gateway.passage import CallPlan
from mesh.auth.identity import Identity
from mesh.rpc import REQUEST_ID_METADATA, to_status
from rushes import errors

log = logging.getLogger(__name__)


class OpenAccess:
    """Of a gateway that stands alone: the server behind sees the caller's own `authorization`, and decides."""

    keep = frozenset(("authorization",))

    def fields(self, plan: CallPlan, peer: str) -> bytes:
        """See Access."""
        return b""

    def begin(self, plan: CallPlan, peer: str) -> Release | None:
        """See Access: whoever stands behind decides how many there may be."""
        return None

    def trailers(self, error: Exception) -> tuple[Field, ...]:
        """See Access."""
        return _internal(error)


class MeshAccess:
    """Of the product's gateway."""

    keep: frozenset[str] = frozenset()

    def __init__(
        self,
        identity: Identity,
        tokens: TokenCache,
        limiter: Limiter,
        policy: Policy,
        trusted: tuple[Network, ...],
        proof: str,
        streams: Streams | None = None,
    ) -> None:
        self._streams = streams or Streams(0)
        self._identity = identity
        self._tokens = tokens
        self._limiter = limiter
        self._policy = policy
        self._trusted = trusted
        self._proof = proof
        self._blocks = Kept[tuple[str, str], bytes]()
        self._number = 0
        # The eight digits that make each id another are put behind.
        self._request_id = hpack.encode([(REQUEST_ID_METADATA, f"{token_hex(6)}{0:08x}")])[:-8]

    # -- gRPC-Web as bytes -----------------------------------------------------------------------------------

    def fields(self, plan: CallPlan, peer: str) -> bytes | Awaitable[bytes]:
        """See Access."""
        address = self.address(peer, plan.head.get("x-forwarded-for"))
        secret, token = self._caller(plan)
        if token is None:
            return self._after_token(plan, secret, address)
        return self._with_token(plan, token, address)

    def begin(self, plan: CallPlan, peer: str) -> Release | None:
        """See Access. Its `fields` are known, so its token is here."""
        if plan.target.unary:
            return None
        _, token = self._caller(plan)
        return self._streams.begin(self._person(token or ""), self.address(peer, plan.head.get("x-forwarded-for")))

    def _caller(self, plan: CallPlan) -> tuple[str, str | None]:
        """Secret of the caller's session, if there is one, and the token; None: it has to be asked for."""
        if plan.target.public:
            return "", ""
        secret = cookie_of(plan.head.get("cookie"), COOKIE)
        if secret and len(secret) <= MAX_SECRET:
            return secret, self._tokens.peek(secret)
        return "", bearer_of(plan.head.get("authorization"))

    def hold(self, token: str, address: str) -> AbstractContextManager[None]:
        """A stream that does not pass as bytes. Raises TooManyStreams."""
        return self._streams.held(self._person(token), address)

    async def _after_token(self, plan: CallPlan, secret: str, address: str) -> bytes:
        token = (await self._tokens.get(secret)).value
        rest = self._with_token(plan, token, address)
        return rest if isinstance(rest, bytes) else await rest

    def _with_token(self, plan: CallPlan, token: str, address: str) -> bytes | Awaitable[bytes]:
        demands = self._policy.demands(plan.target.path, self._person(token), address)
        wait_s = self._limiter.take(demands) if demands else 0.0
        named = bool(plan.head.get(REQUEST_ID_METADATA))
        if wait_s is None:
            return self._asked(demands, token, address, named)
        if wait_s:
            raise refusal(wait_s)
        return self.rest(token, address, named)

    async def _asked(self, demands: list[Demand], token: str, address: str, named: bool) -> bytes:
        wait_s = await self._limiter.ask(demands)
        if wait_s:
            raise refusal(wait_s)
        return self.rest(token, address, named)

    def _person(self, token: str) -> str:
        """Whose token it is, if it is genuine: anybody can write a name into another."""
        if not token:
            return ""
        try:
            return self._identity.verify(token).person_id
        except errors.RushesError:
            return ""

    def rest(self, token: str, address: str, named: bool) -> bytes:
        """What the head of a call has besides its own metadata: who, from where, by whom, and its name."""
        block = self._blocks.get((token, address))
        if block is None:
            fields = [(CLIENT_METADATA, address), (SERVICE_METADATA, self._proof)]
            if token:
                fields.append(("authorization", f"Bearer {token}"))
            block = hpack.encode(fields)
            self._blocks.put((token, address), block, len(token) + len(address) + len(block))
        if named:
            return block
        self._number += 1
        return b"%b%b%08x" % (block, self._request_id, self._number & 0xFFFFFFFF)

    def trailers(self, error: Exception) -> tuple[Field, ...]:
        """See Access."""
        if not isinstance(error, errors.RushesError):
            return _internal(error)
        status = to_status(error, "")
        return reply.failure(status.code, status.message, status.SerializeToString())

    # -- everything else -------------------------------------------------------------------------------------

    def address(self, peer: str, forwarded: str) -> str:
        """Where a request comes from."""
        return client_address(peer, forwarded, self._trusted) if self._trusted else peer

    async def close(self) -> None:
        """Lets go of what counts."""
        await self._limiter.close()

    async def admit(self, path: str, token: str, address: str) -> None:
        """Counts a call that does not pass as bytes. Raises RateLimited."""
        demands = self._policy.demands(path, self._person(token), address)
        wait_s = self._limiter.take(demands) if demands else 0.0
        if wait_s is None:
            wait_s = await self._limiter.ask(demands)
        if wait_s:
            raise refusal(wait_s)


def _internal(error: Exception) -> tuple[Field, ...]:
    request_id = token_hex(8)
    log.error("grpc_web_failed", extra={"request_id": request_id}, exc_info=error)
    return reply.failure(code_pb2.INTERNAL, f"Something went wrong here; the log has it under {request_id}.")
