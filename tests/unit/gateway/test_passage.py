"""What a call's head means, and calls that end otherwise than they should: what is sent again, what is given up."""

from dataclasses import dataclass, field

import pytest

from gateway.access import OpenAccess
from gateway.core import grpcweb
from gateway.core.origin import Origins
from gateway.passage import MAX_TRIES, Exchange, Passage, Target
from gateway.route import ROUTES
from gateway.upstream import Passing
from rushes.annotation.v1.annotation_service_pb2 import CreateBatchAnnotationsRequest
from rushes.project.v1.identity_service_pb2 import UpdateMeRequest
from rushes.project.v1.project_service_pb2 import CreateProjectRequest, GetProjectRequest

CREATE = "/rushes.project.v1.ProjectService/CreateProject"
GET = "/rushes.project.v1.ProjectService/GetProject"
UPDATE_ME = "/rushes.project.v1.IdentityService/UpdateMe"
BATCH = "/rushes.annotation.v1.AnnotationService/CreateBatchAnnotations"
NAMED = CreateProjectRequest(name="A", request_id="a" * 32).SerializeToString()
UNNAMED = CreateProjectRequest(name="A").SerializeToString()


@dataclass
class Wire:
    """A way to a server whose connections break at once."""

    sent: list[Passing] = field(default_factory=list)
    given_up: list[Passing] = field(default_factory=list)
    processed: bool = True
    reads_first: bool = False

    def start(self, passing: Passing) -> None:
        """See Way."""
        self.sent.append(passing)

    def give_up(self, passing: Passing) -> None:
        """See Way."""
        self.given_up.append(passing)

    async def close(self) -> None:
        """See Way."""

    def lose(self) -> None:
        """The connection of the last call breaks."""
        receiver = self.sent[-1].receiver
        receiver.on_lost() if self.processed else receiver.on_unprocessed()
        receiver.flush()


@dataclass
class Written:
    """A connection that writes down."""

    out: bytes = b""
    whole: bool = False

    def write(self, data: bytes) -> None:
        """See Line."""
        self.out += data

    def abort(self) -> None:
        """See Line."""

    def answered(self) -> None:
        """See Line."""
        self.whole = True


def begun(path: str, body: bytes, wire: Wire, kind: str = "application/grpc-web", more: str = "") -> Written:
    """A call that has come, with these header lines besides."""
    passage = Passage(
        lambda name: Target(name, wire, unary=True, repeatable=ROUTES[name].repeatable),
        OpenAccess(),
        Origins((), everybody=True),
        max_message_bytes=1_000,
        slow_reader_s=1.0,
        lines=b"",
    )
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\n{more}\r\n".encode()
    _, plan = passage.plan(head)
    assert plan is not None
    line = Written()
    Exchange(passage, plan, "", line).begin(body)
    return line


def lost(path: str, message: bytes, wire: Wire) -> Written:
    """The answer to a call whose every connection breaks before anything came back."""
    line = begun(path, grpcweb.data_frame(message), wire)
    while not line.whole:
        wire.lose()
    assert b"grpc-status: 14" in line.out
    return line


@pytest.mark.parametrize(
    ("path", "message", "times"),
    [
        (GET, GetProjectRequest(project_id=7).SerializeToString(), MAX_TRIES),
        (CREATE, NAMED, MAX_TRIES),
        (CREATE, UNNAMED, 1),
        (CREATE, NAMED[:-3], 1),
        (UPDATE_ME, UpdateMeRequest(name="A").SerializeToString(), 1),
        (BATCH, CreateBatchAnnotationsRequest(client_id=b"c" * 16).SerializeToString(), MAX_TRIES),
        (BATCH, b"", 1),
    ],
    ids=["reads", "named", "not named", "cut", "has no name", "batch", "batch of nobody"],
)
def test_what_may_have_been_done_is_sent_again_only_if_that_changes_nothing(
    path: str, message: bytes, times: int
) -> None:
    wire = Wire()
    lost(path, message, wire)
    assert [passing.body for passing in wire.sent] == [grpcweb.data_frame(message)] * times


def test_what_was_not_begun_is_sent_again_whatever_it_is() -> None:
    wire = Wire(processed=False)
    lost(CREATE, UNNAMED, wire)
    assert len(wire.sent) == MAX_TRIES


def test_no_method_says_that_it_only_reads_but_those_that_are_named_so() -> None:
    reading = [path for path, route in ROUTES.items() if route.reads]
    assert GET in reading
    names = [path.rpartition("/")[2] for path in reading]
    assert [name for name in names if not name.startswith(("Get", "List", "Read", "Watch", "Diff", "Follow"))] == []


OPENING = ((":status", "200"), ("content-type", "application/grpc"))
BINARY, TEXT = "application/grpc-web", "application/grpc-web-text"
MESSAGE = grpcweb.data_frame(b"abc")


@pytest.mark.parametrize(
    ("kind", "accept", "text"),
    [
        (BINARY, "", False),
        (TEXT, "", True),
        (f"{TEXT}+proto", "*/*", True),
        (BINARY, f"{TEXT}+proto; q=1", True),
        (BINARY, f"{BINARY}, {TEXT}", True),
        (TEXT, f"application/json, {BINARY}+proto", False),
    ],
)
def test_an_answer_is_in_text_if_whoever_asks_says_so_and_otherwise_as_they_asked(
    kind: str, accept: str, text: bool
) -> None:
    wire = Wire()
    body = grpcweb.encode_text(MESSAGE) if kind.startswith(TEXT) else MESSAGE
    line = begun(GET, body, wire, kind, f"accept: {accept}\r\n")
    receiver = wire.sent[0].receiver
    assert wire.sent[0].body == MESSAGE
    receiver.on_headers(OPENING, False)
    receiver.on_data(MESSAGE)
    receiver.on_headers((("grpc-status", "0"),), True)
    receiver.flush()
    head, _, answer = line.out.partition(b"\r\n\r\n")
    assert (f"content-type: {TEXT}+proto".encode() in head) is text
    assert (grpcweb.decode_text(answer) if text else answer).startswith(MESSAGE)


def test_who_compresses_in_a_way_that_is_not_known_is_told_which_are() -> None:
    line = begun(GET, grpcweb.frame(grpcweb.COMPRESSED, b"abc"), Wire(), more="grpc-encoding: br\r\n")
    assert b"\r\ngrpc-accept-encoding: identity,gzip,deflate\r\n" in line.out
    assert b"grpc-status: 12" in line.out


def test_a_server_that_still_speaks_when_its_call_has_failed_is_not_listened_to() -> None:
    wire = Wire()
    line = begun(GET, MESSAGE, wire)
    wire.sent[0].receiver.on_headers(((":status", "502"), ("content-type", "text/html")), False)
    wire.sent[0].receiver.flush()
    assert b"grpc-status: 14" in line.out
    assert wire.given_up == wire.sent
