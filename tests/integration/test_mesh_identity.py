"""What a service knows of people through svc_project: keys, rights, and what changes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mesh.auth import Caller
from mesh.auth.identity import SessionEnded, TokenExpired, TokenInvalid, UnknownKey
from mesh.auth.remote import RemoteIdentity, RightsUnknown
from mesh.rpc import Channels
from rushes.errors import Unavailable
from rushes.project.v1 import access_service_pb2 as access_pb
from rushes.project.v1 import identity_service_pb2 as identity_pb
from rushes.type.v1 import access_pb2
from rushes.type.v1.access_pb2 import Resource
from tests.integration.mesh_server import People, Served, Signer, run_folder
from tests.waiting import until

IDENTITY = "/rushes.project.v1.IdentityService"
ACCESS = "/rushes.project.v1.AccessService"
ANNA = Caller("gateway", "anna", "session of anna", "t", 0, "")
BERT = Caller("gateway", "bert", "session of bert", "t", 0, "")
VIDEO = Resource(kind=access_pb2.RESOURCE_KIND_VIDEO, id="1")


class Project:
    """svc_project as a test tells it to be."""

    def __init__(self) -> None:
        self.signers = [Signer()]
        self.mask = 7
        self.asked: list[access_pb.ResolveAccessRequest] = []
        self.keys_asked = 0
        self.error: Exception | None = None
        self.before_answer: Any = None
        self._watchers: set[asyncio.Queue[access_pb.WatchAccessResponse]] = set()

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def tell(self, **change: Any) -> None:
        """Tells those who watch."""
        for queue in self._watchers:
            queue.put_nowait(access_pb.WatchAccessResponse(**change))

    async def get_keys(self, request: Any, context: Any) -> identity_pb.GetKeysResponse:
        """The keys."""
        self.keys_asked += 1
        return identity_pb.GetKeysResponse(
            keys=[
                identity_pb.PublicKey(kid=signer.kid, key=signer.key.public_key().public_bytes_raw())
                for signer in self.signers
            ]
        )

    async def resolve(self, request: access_pb.ResolveAccessRequest, context: Any) -> access_pb.ResolveAccessResponse:
        """Everybody has the mask."""
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        mask = self.mask
        if self.before_answer is not None:
            await self.before_answer()
        return access_pb.ResolveAccessResponse(
            permissions=[mask] * len(request.resources), name=request.person_id.title()
        )

    async def watch(self, request: Any, context: Any) -> AsyncIterator[access_pb.WatchAccessResponse]:
        """First everything, then what is told."""
        queue: asyncio.Queue[access_pb.WatchAccessResponse] = asyncio.Queue()
        self._watchers.add(queue)
        try:
            yield access_pb.WatchAccessResponse(everything=True)
            while True:
                yield await queue.get()
        finally:
            self._watchers.discard(queue)

    def served(self) -> Served:
        """A server of it."""
        return Served(
            People(self.signers[0]),
            {
                f"{IDENTITY}/GetKeys": self.get_keys,
                f"{ACCESS}/ResolveAccess": self.resolve,
                f"{ACCESS}/WatchAccess": self.watch,
            },
        )


class Times:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Rig:
    """A RemoteIdentity and the svc_project that it asks."""

    def __init__(self, folder: Path) -> None:
        self.project = Project()
        self.times = Times()
        self.listen = f"unix:{folder}/project.sock"
        self.changes = 0
        self.identity: RemoteIdentity
        self.channels: Channels

    def changed(self) -> None:
        """Counts what the identity tells."""
        self.changes += 1


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Not served yet."""
    with run_folder() as folder:
        rig = Rig(folder)
        served = rig.project.served()
        async with served.channels("svc_media", svc_project=rig.listen) as channels:
            rig.channels = channels
            rig.identity = RemoteIdentity(channels, monotonic=rig.times)
            rig.identity.on_change(rig.changed)
            yield rig
            await rig.identity.close()


@pytest.fixture
async def ready(rig: Rig) -> AsyncIterator[Rig]:
    """Served, and ready."""
    async with rig.project.served().serving(rig.listen), asyncio.timeout(60):
        await rig.identity.ready()
        yield rig


async def test_it_is_ready_once_svc_project_is_there(rig: Rig) -> None:
    waiting = asyncio.ensure_future(rig.identity.ready())
    with pytest.raises(RightsUnknown):
        await rig.identity.permissions(ANNA, VIDEO)
    assert not waiting.done()
    async with rig.project.served().serving(rig.listen), asyncio.timeout(20):
        await waiting
        assert await rig.identity.permissions(ANNA, VIDEO) == 7


async def test_rights_are_asked_for_once(ready: Rig) -> None:
    assert ready.identity.cached(ANNA, VIDEO) is None
    for _ in range(5):
        assert await ready.identity.permissions(ANNA, VIDEO) == 7
    assert ready.identity.cached(ANNA, VIDEO) == 7
    [asked] = ready.project.asked
    assert (asked.person_id, asked.session_id, asked.tenant_id) == ("anna", "session of anna", "t")
    assert list(asked.resources) == [VIDEO]
    assert await ready.identity.name(ANNA) == "Anna"
    assert len(ready.project.asked) == 1
    assert await ready.identity.name(BERT) == "Bert"


async def test_a_revocation_drops_what_is_cached_and_is_told(ready: Rig) -> None:
    for caller in (ANNA, BERT):
        await ready.identity.permissions(caller, VIDEO)
    before = ready.changes
    ready.project.mask = 0
    ready.project.tell(person_ids=["anna"])
    await until(lambda: ready.changes == before + 1)
    assert ready.identity.cached(ANNA, VIDEO) is None
    assert ready.identity.cached(BERT, VIDEO) == 7
    assert await ready.identity.permissions(ANNA, VIDEO) == 0
    ready.project.tell(resources=[VIDEO])
    await until(lambda: ready.identity.cached(BERT, VIDEO) is None)
    assert await ready.identity.permissions(BERT, VIDEO) == 0


async def test_an_answer_that_a_revocation_overtakes_is_not_kept(ready: Rig) -> None:
    async def revoke() -> None:
        before = ready.changes
        ready.project.tell(person_ids=["anna"])
        await until(lambda: ready.changes > before)

    ready.project.before_answer = revoke
    assert await ready.identity.permissions(ANNA, VIDEO) == 7
    assert ready.identity.cached(ANNA, VIDEO) is None


async def test_a_session_that_ended_is_refused_though_its_token_is_good(ready: Rig) -> None:
    token = ready.project.signers[0].token()
    assert ready.identity.verify(token).person_id == "anna"
    ready.project.tell(ended_session_ids=["session of anna"])
    await until(lambda: ready.identity.ended("session of anna"))
    with pytest.raises(SessionEnded):
        ready.identity.verify(token)


async def test_without_heartbeats_what_is_known_holds_for_a_while_then_nothing(ready: Rig) -> None:
    await ready.identity.permissions(ANNA, VIDEO)
    asked = len(ready.project.asked)
    ready.times.now_s += 32.9
    assert await ready.identity.permissions(ANNA, VIDEO) == 7
    # What is not known is still asked for, but not kept: nobody would tell that it changed.
    assert await ready.identity.permissions(BERT, VIDEO) == 7
    assert ready.identity.cached(BERT, VIDEO) is None
    ready.times.now_s += 0.2
    for caller in (ANNA, BERT):
        assert ready.identity.cached(caller, VIDEO) is None
        with pytest.raises(RightsUnknown) as caught:
            await ready.identity.permissions(caller, VIDEO)
        assert isinstance(caught.value, Unavailable)
    assert len(ready.project.asked) == asked + 1
    ready.project.tell()
    await until(lambda: ready.identity.cached(ANNA, VIDEO) == 7)


async def test_a_stream_that_is_silent_is_opened_again(ready: Rig) -> None:
    """Nothing is told for three seconds of real time, as by a peer that is gone without a word."""
    changes = ready.changes
    await until(lambda: ready.changes > changes)
    await until(lambda: ready.project.watchers == 1)


async def test_svc_project_may_restart(rig: Rig) -> None:
    async with rig.project.served().serving(rig.listen), asyncio.timeout(60):
        await rig.identity.ready()
        await rig.identity.permissions(ANNA, VIDEO)
    changes = rig.changes
    assert await rig.identity.permissions(ANNA, VIDEO) == 7
    with pytest.raises(RightsUnknown):
        await rig.identity.permissions(BERT, VIDEO)
    rig.project.mask = 1
    async with rig.project.served().serving(rig.listen):
        # What changed meanwhile is not known, so everything is asked for anew.
        await until(lambda: rig.changes > changes)
        assert await rig.identity.permissions(ANNA, VIDEO) == 1


async def test_an_error_of_svc_project_is_unavailable_and_not_cached(ready: Rig) -> None:
    ready.project.error = KeyError("x")
    with pytest.raises(RightsUnknown):
        await ready.identity.permissions(ANNA, VIDEO)
    ready.project.error = None
    assert await ready.identity.permissions(ANNA, VIDEO) == 7


async def test_tokens_are_verified_with_the_keys_of_svc_project(ready: Rig) -> None:
    signer = ready.project.signers[0]
    claims = ready.identity.verify(signer.token())
    assert (claims.person_id, claims.session_id, claims.tenant_id) == ("anna", "session of anna", "t")
    with pytest.raises(TokenInvalid):
        ready.identity.verify(Signer(signer.kid).token())
    with pytest.raises(TokenExpired):
        ready.identity.verify(signer.token(exp=1))


async def test_a_new_key_is_fetched_when_a_token_names_it_and_an_old_one_ends(ready: Rig) -> None:
    old, new = ready.project.signers[0], Signer("k2")
    token = old.token()
    ready.identity.verify(token)
    ready.project.signers = [new]
    with pytest.raises(UnknownKey) as caught:
        ready.identity.verify(new.token())
    assert caught.value.refetch is not None
    await caught.value.refetch
    assert ready.identity.verify(new.token()).person_id == "anna"
    with pytest.raises(UnknownKey):
        ready.identity.verify(token)


async def test_forged_keys_cost_svc_project_one_request_in_a_while(ready: Rig) -> None:
    before = ready.project.keys_asked
    refetches = []
    for number in range(50):
        with pytest.raises(UnknownKey) as caught:
            ready.identity.verify(Signer(f"forged {number}").token())
        if caught.value.refetch is not None:
            refetches.append(caught.value.refetch)
    await asyncio.gather(*refetches)
    assert ready.project.keys_asked == before + 1
    with pytest.raises(UnknownKey) as caught:
        ready.identity.verify(Signer("forged").token())
    assert caught.value.refetch is None
    ready.times.now_s += 2.1
    with pytest.raises(UnknownKey) as caught:
        ready.identity.verify(Signer("forged").token())
    assert caught.value.refetch is not None
    await caught.value.refetch
    assert ready.project.keys_asked == before + 2
