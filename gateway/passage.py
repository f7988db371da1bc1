"""gRPC-Web calls as bytes: what a request's head means, and each call's way to the server behind and back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from google.rpc import code_pb2, status_pb2

from gateway import metrics
from gateway.core import grpcweb, hpack, reply
from gateway.core.grpcweb import ProtocolError, TooLarge, UnknownEncoding
from gateway.core.head import Head, parse
from gateway.core.hpack import Field
from gateway.core.kept import Kept
from gateway.core.metadata import MetadataTooLarge, passed_on, timeout_s
from gateway.core.origin import GRPC_EXPOSED, Origins
from gateway.core.reply import Reply, Shape
from gateway.upstream import Passing, Way
from mesh.rpc import to_status
from rushes import errors

TEXT_TYPES: Final = "application/grpc-web-text"
TYPES: Final = "application/grpc-web"
MAX_PLANS_BYTES: Final = 8 * 1024 * 1024
PLAN_BYTES: Final = 1_000
"""What a plan takes besides its head, about."""
MAX_TRIES: Final = 4
ENCODINGS_LINE: Final = f"grpc-accept-encoding: {','.join(grpcweb.ENCODINGS)}\r\n".encode()
"""Goes with the refusal of another encoding, as gRPC has it."""
DRAIN_S: Final = 5.0
"""Calls in progress have so long to be answered once a gateway is told to stop."""
CLOSE_LINE: Final = b"connection: close\r\n"
LATE_S: Final = 0.25
"""A call is waited for so much longer than its deadline: the server behind knows the deadline, and says it better."""


def never(message: bytes) -> bool:
    """Of methods of which nothing is known: what was sent may not be sent again."""
    return False


@dataclass(frozen=True, slots=True)
class Target:
    """A method, and who answers it."""

    path: str
    upstream: Way
    unary: bool
    single: bool = True
    """It takes one message; otherwise many, for which it needs a WebSocket."""
    checked: bool = True
    """The method is known, so that one answer must come."""
    public: bool = False
    repeatable: Callable[[bytes], bool] = never
    """Whether this message may be sent again if a connection broke and nobody knows what became of it."""
    default_timeout: str = ""
    """The grpc-timeout of calls that have none."""

    @property
    def awaited(self) -> bool:
        """A gateway that stops waits for its calls. Streams that are known to be such are opened elsewhere."""
        return self.unary or not self.checked


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What the head of a call says; the same for every call with the same head."""

    head: Head
    target: Target
    shape: Shape
    block: bytes
    """The head for the server behind, but for what is of the connection and of the moment."""
    timeout_s: float | None
    encoding: str
    max_body_bytes: int
    text: bool
    """The body comes in base64."""
    fault: ProtocolError | None = None
    """What is wrong with the head: the call is answered with it."""


Rest = Callable[[str, str, bool], bytes]
"""From a token, an address and whether the request has a name: what the head of a call has besides its own metadata."""

CallCounter = Callable[[str, int], None]
"""Told the path and the status of each call that has ended."""


Label = Callable[[str, int], str]
"""From the path and the status of a call: the name that it is counted under, where callers make paths up."""


class Access(Protocol):
    """Who may call, and what the server behind is told of them."""

    keep: frozenset[str]
    """Headers that are passed on as they are."""

    def fields(self, plan: CallPlan, peer: str) -> bytes | Awaitable[bytes]:
        """The rest of the header block. Raises RushesError."""

    def begin(self, plan: CallPlan, peer: str) -> Callable[[], None] | None:
        """The call is sent now: who is to be told when it ends, if anybody is. Raises RushesError."""

    def trailers(self, error: Exception) -> tuple[Field, ...]:
        """How an error that `fields` raised is said."""


def block_of(
    target: Target,
    host: str,
    fields: Iterable[Field],
    *,
    timeout: str,
    keep: frozenset[str],
    subtype: str = "",
    gzip: bool = False,
) -> bytes:
    """The head for the server behind of a call with these headers. Raises ProtocolError."""
    head: list[Field] = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", target.path),
        (":authority", host or "localhost"),
        ("content-type", "application/grpc" + subtype),
        ("te", "trailers"),
        ("grpc-accept-encoding", "identity,gzip" if gzip else "identity"),
    ]
    if timeout or target.default_timeout:
        head.append(("grpc-timeout", timeout or target.default_timeout))
    return hpack.encode([*head, *passed_on(fields, keep=keep)])


class Visit(Protocol):
    """A connection that calls come on."""

    def finish(self) -> bool:
        """Takes no more calls. True: it has one that is waited for, and ends with its answer."""


class Passage:
    """Everything that calls have in common."""

    def __init__(
        self,
        resolve: Callable[[str], Target | None],
        access: Access,
        origins: Origins,
        *,
        max_message_bytes: int,
        slow_reader_s: float,
        lines: bytes,
        rewrite: reply.Rewrite | None = None,
        label: Label | None = None,
    ) -> None:
        self._label = label
        self._resolve = resolve
        self.access = access
        self.origins = origins
        self.max_message_bytes = max_message_bytes
        self.slow_reader_s = slow_reader_s
        self._lines = lines
        self.rewrite = rewrite
        self._plans = Kept[bytes, CallPlan](MAX_PLANS_BYTES)
        self._counters: dict[tuple[str, int], Callable[[], None]] = {}
        self._visits: set[Visit] = set()
        self._empty = asyncio.Event()
        self.closing = False
        """Each connection ends with the answer to the call that it has."""

    def plan(self, block: bytes) -> tuple[Head, CallPlan | None]:
        """What a request's head means; None: it is no gRPC-Web call, or none that may be made. Raises HeadError."""
        known = self._plans.get(block)
        if known is not None:
            return known.head, known
        head = parse(block)
        plan = self._plan(head)
        if plan is not None:
            self._plans.put(block, plan, len(block) + PLAN_BYTES)
        return head, plan

    def _plan(self, head: Head) -> CallPlan | None:
        kind, base = _kind_of(head.get("content-type"))
        if head.method != "POST" or base not in (TYPES, TEXT_TYPES) or head.upgrade:
            return None
        target = self._resolve(head.path)
        if target is None or not self.origins.admits(head):
            return None
        text = base == TEXT_TYPES
        shape = self._shape(head, target, _wants_text(head.get("accept"), text))
        fault: ProtocolError | None = None
        block, timeout, encoding = b"", None, "identity"
        try:
            timeout = timeout_s(head.get("grpc-timeout") or target.default_timeout)
            encoding = grpcweb.check_encoding(head.get("grpc-encoding"))
            block = block_of(
                target,
                head.get("host"),
                head.fields,
                timeout=head.get("grpc-timeout"),
                subtype=kind[len(base) :],
                gzip=shape.gzip,
                keep=self.access.keep,
            )
        except ProtocolError as error:
            fault = error
        limit = (self.max_message_bytes + grpcweb.HEADER_BYTES) * (2 if text else 1)
        return CallPlan(head, target, shape, block, timeout, encoding, limit, text, fault)

    def _shape(self, head: Head, target: Target, text: bool) -> Shape:
        friend = self.origins.friend(head)
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.origins.answer(head)).encode("latin-1")
        return Shape(
            unary=target.unary,
            text=text,
            gzip="gzip" in head.get("grpc-accept-encoding").lower(),
            chunked=head.version == 1,
            keep_alive=head.keep_alive,
            lines=self._lines + lines,
            expose=GRPC_EXPOSED if friend else "",
            checked=target.checked,
        )

    def too_large(self, plan: CallPlan) -> bytes:
        """The answer to a body that is larger than any message may be; the connection ends with it."""
        self.count(plan.target.path, code_pb2.RESOURCE_EXHAUSTED)
        message = f"A message is larger than {self.max_message_bytes} bytes."
        lines = CLOSE_LINE if plan.shape.keep_alive else b""
        return reply.whole(plan.shape, reply.failure(code_pb2.RESOURCE_EXHAUSTED, message), lines)

    def joined(self, visit: Visit) -> None:
        """A connection has begun."""
        self._visits.add(visit)

    def left(self, visit: Visit) -> None:
        """It has ended, or is for no more calls."""
        self._visits.discard(visit)
        if not self._visits:
            self._empty.set()

    async def drain(self) -> None:
        """Calls in progress are answered, no more are taken; returns once all connections that are waited for have
        ended.
        """
        self.closing = True
        for visit in list(self._visits):
            if not visit.finish():
                self.left(visit)
        while self._visits:
            self._empty.clear()
            await self._empty.wait()

    def count(self, path: str, code: int) -> None:
        """A call has ended."""
        if self._label is not None:
            path = self._label(path, code)
        counter = self._counters.get((path, code))
        if counter is None:
            counter = self._counters[path, code] = metrics.REQUESTS.labels(path, str(code)).inc
        counter()


class Line(Protocol):
    """The connection that a call came on."""

    def write(self, data: bytes) -> None:
        """A part of the answer."""

    def abort(self) -> None:
        """Ends the connection where it is."""

    def answered(self) -> None:
        """The answer is whole."""


class Exchange:
    """One call: from the request's body to the answer's last byte. The sink of its reply."""

    __slots__ = ("_line", "_over", "_passage", "_passing", "_peer", "_plan", "_release", "_task", "_timer", "_tries")

    def __init__(self, passage: Passage, plan: CallPlan, peer: str, line: Line) -> None:
        self._passage = passage
        self._plan = plan
        self._peer = peer
        self._line = line
        self._passing: Passing | None = None
        """The call on its way, which holds this as its reply's sink: let go of at the end, or both would be left to the
        collector."""
        self._timer: asyncio.TimerHandle | None = None
        self._release: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._tries = 1
        self._over = False

    def begin(self, body: bytes) -> None:
        """Sends the call, or answers at once what is wrong with it."""
        plan = self._plan
        try:
            if plan.fault is not None:
                raise plan.fault
            if plan.text:
                body = grpcweb.decode_text(body)
            frame = grpcweb.only_message(body, self._passage.max_message_bytes, plan.encoding)
        except ProtocolError as error:
            status = fault_status(error)
            known = ENCODINGS_LINE if isinstance(error, UnknownEncoding) else b""
            self._answer(reply.failure(status.code, status.message, status.SerializeToString()), known)
            return
        try:
            rest = self._passage.access.fields(plan, self._peer)
        except Exception as error:
            self._answer(self._passage.access.trailers(error))
            return
        if isinstance(rest, bytes):
            self._send(rest, frame)
        else:
            self._task = asyncio.create_task(self._later(rest, frame))

    async def _later(self, rest: Awaitable[bytes], frame: bytes) -> None:
        try:
            block = await rest
        except Exception as error:
            if not self._over:
                self._answer(self._passage.access.trailers(error))
            return
        if not self._over:
            self._send(block, frame)

    def _send(self, rest: bytes, frame: bytes) -> None:
        plan = self._plan
        try:
            self._release = self._passage.access.begin(plan, self._peer)
        except Exception as error:
            self._answer(self._passage.access.trailers(error))
            return
        passing = self._passing = Passing(plan.block + rest, frame, Reply(plan.shape, self, self._passage.rewrite))
        if plan.timeout_s is not None:
            delay_s = plan.timeout_s + LATE_S
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._late)
        plan.target.upstream.start(passing)

    def _answer(self, trailers: tuple[Field, ...], lines: bytes = b"") -> None:
        """Ends with a status, without anybody behind."""
        self._over = True
        if self.last() and self._plan.shape.keep_alive:
            lines += CLOSE_LINE
        self._line.write(reply.whole(self._plan.shape, trailers, lines))
        self._passage.count(self._plan.target.path, int(trailers[0][1]))
        self._line.answered()

    def _late(self) -> None:
        self._timer = None
        if self._passing is not None:
            receiver = self._passing.receiver
            receiver.fail(code_pb2.DEADLINE_EXCEEDED, "The call took longer than it may.")
            receiver.flush()

    def cancel(self) -> None:
        """The browser is gone."""
        if not self._over:
            self._stop(given_up=True)
            self._passage.count(self._plan.target.path, code_pb2.CANCELLED)

    def _stop(self, *, given_up: bool) -> None:
        self._over = True
        passing, self._passing = self._passing, None
        if passing is not None and given_up:
            self._plan.target.upstream.give_up(passing)
        if self._release is not None:
            self._release()
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def hold(self, held: bool) -> None:
        """The reader is full, or is not any more: the server behind waits with it."""
        if self._passing is not None:
            self._passing.hold(held)

    # -- the reply's sink ------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """See Sink."""
        self._line.write(data)

    def ended(self, code: int) -> None:
        """See Sink."""
        self._stop(given_up=bool(code))  # it may be the gateway that ended it, and the server behind still speaks
        self._passage.count(self._plan.target.path, code)
        self._line.answered()

    def broken(self, code: int) -> None:
        """See Sink."""
        self._stop(given_up=True)
        self._passage.count(self._plan.target.path, code)
        self._line.abort()

    def last(self) -> bool:
        """See Sink."""
        return self._passage.closing

    def again(self, processed: bool) -> bool:
        """See Sink."""
        passing, plan = self._passing, self._plan
        if passing is None or self._over or self._tries >= MAX_TRIES:
            return False
        if processed and not plan.target.repeatable(passing.body[grpcweb.HEADER_BYTES :]):
            return False
        self._tries += 1
        renewed = self._passing = Passing(passing.block, passing.body, passing.receiver)
        plan.target.upstream.start(renewed)
        return True


def fault_status(error: ProtocolError) -> status_pb2.Status:
    """How a request is answered that is not what the protocol says."""
    text = f"{str(error).capitalize()}."
    if isinstance(error, UnknownEncoding):
        return status_pb2.Status(code=code_pb2.UNIMPLEMENTED, message=text)
    large = isinstance(error, TooLarge | MetadataTooLarge)
    return to_status(errors.ResourceExhausted(text) if large else errors.InvalidArgument(text), "")


def _kind_of(content_type: str) -> tuple[str, str]:
    """A content type without parameters, and without what the messages are."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind, kind.partition("+")[0]


def _wants_text(accept: str, asked_in_text: bool) -> bool:
    """Whether the answer is in base64: as whoever asks says, otherwise as they asked."""
    wanted = {_kind_of(one)[1] for one in accept.split(",")}
    return TEXT_TYPES in wanted or (asked_in_text and TYPES not in wanted)
