"""What all sessions of the service work with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from mesh.auth import Caller, Identity, bit
from mesh.clock import Clock
from rushes.type.v1 import access_pb2
from svc_annotation.appending import Appends
from svc_annotation.config import AnnotationConfig
from svc_annotation.core.landed import CLIENT, INTERNAL, Audience
from svc_annotation.core.part import Pages
from svc_annotation.core.rate import InFlight, PeopleRates
from svc_annotation.core.reader import ReaderLimits
from svc_annotation.facts import Facts
from svc_annotation.stores import History, Log, Past
from svc_annotation.videos import Videos

VIEW: Final = bit(access_pb2.PERMISSION_VIEW)
ANNOTATE: Final = bit(access_pb2.PERMISSION_ANNOTATE)
SEE_INTERNAL: Final = bit(access_pb2.PERMISSION_SEE_INTERNAL)

GATEWAY: Final = "gateway"


@dataclass(slots=True)
class Moment:
    """Now: asked for once for all that came together. Never changed."""

    loop_s: float
    """As the event loop counts."""
    time_ms: int
    """UTC."""
    rights: int
    """See `Identity.version`."""


@dataclass(slots=True)
class Shared:
    """See the module."""

    config: AnnotationConfig
    log: Log
    history: History
    past: Past
    videos: Videos
    facts: Facts
    identity: Identity
    clock: Clock
    limits: ReaderLimits
    new_name: Callable[[], str]
    rates: PeopleRates = field(default_factory=PeopleRates)
    in_flight: InFlight = field(default_factory=InFlight)
    appends: Appends = field(init=False)
    pages: Pages = field(init=False)
    keys: "count[int]" = field(default_factory=lambda: count(1))
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.pages = Pages(self.new_name)
        self.appends = Appends(self.log, self.videos.underway)

    def moment(self) -> Moment:
        """Now."""
        return Moment(asyncio.get_running_loop().time(), self.clock.now_ms(), self.identity.version)

    def start(self, task: asyncio.Task[None]) -> None:
        """Keeps a task from being forgotten while it runs."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def resource(video_id: int) -> access_pb2.Resource:
    """The video as rights know it."""
    return access_pb2.Resource(kind=access_pb2.RESOURCE_KIND_VIDEO, id=str(video_id))


def audience_of(mask: int, wanted: int) -> Audience:
    """Whose eyes a person reads with: those they may, or less if they want less."""
    return INTERNAL if mask & SEE_INTERNAL and wanted != CLIENT else CLIENT


def narrowed(mask: int, audience: Audience) -> int:
    """What a session may do: who reads as a client writes as one, so that it gets back all that it writes."""
    return mask if audience == INTERNAL else mask & ~SEE_INTERNAL


def is_service(caller: Caller) -> bool:
    """Whether a service of ours acts, with its own limits, and not a person through a gateway."""
    return caller.service not in ("", GATEWAY)
