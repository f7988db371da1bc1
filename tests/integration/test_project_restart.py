"""Starting, stopping and killing svc_project."""

import asyncio
import signal
from collections.abc import Iterator

import grpc
import jwt
import pytest

from rushes.project.v1 import access_service_pb2 as access_pb
from rushes.project.v1 import audit_service_pb2 as audit_pb
from rushes.project.v1 import identity_service_pb2 as pb
from tests.integration.project_server import Client, ProjectServer, invite, reason, serving, session_of, sign_in


@pytest.fixture
def server() -> Iterator[ProjectServer]:
    with serving() as running:
        yield running


async def refused(call: object) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call  # type: ignore[misc]
    return reason(error.value)


async def test_a_restart_makes_nothing_again(server: ProjectServer) -> None:
    first = server.first_sign_in()
    assert server.stop_project() == 0
    server.start_project()
    assert server.first_sign_in() == first
    async with grpc.aio.insecure_channel(server.address) as channel:
        admin = await sign_in(Client(channel), **first)
        assert [one.name for one in (await admin.project("ListProjects")).projects] == ["My project"]


async def test_tokens_and_sessions_hold_over_a_restart_and_ended_ones_do_not(server: ProjectServer) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        admin = await sign_in(Client(channel), **server.first_sign_in())
        guest = await invite(admin, 1, "guest", "Gast")
        request = pb.SignOutRequest(session_secret=guest.session_secret)
        await admin.client.call(admin.client.identity.SignOut, request)
    server.stop_project()
    server.start_project()
    async with grpc.aio.insecure_channel(server.address) as channel:
        client = Client(channel)
        before = client.signed(admin.token)
        me = await before.call(before.identity.GetMe, pb.GetMeRequest())
        assert me.person == admin.person
        again = await session_of(client, admin.session_secret, admin.person)
        assert jwt.get_unverified_header(again.token) == jwt.get_unverified_header(admin.token)
        ended = client.signed(guest.token)
        assert (await refused(ended.call(ended.identity.GetMe, pb.GetMeRequest())))[0] == "UNAUTHENTICATED"


async def test_what_was_acknowledged_is_there_after_a_kill(server: ProjectServer) -> None:
    credentials = server.first_sign_in()
    async with grpc.aio.insecure_channel(server.address) as channel:
        admin = await sign_in(Client(channel), **credentials)
        acknowledged: list[str] = []

        async def make(number: int) -> None:
            answer = await admin.project("CreateProject", name=f"P{number}", request_id=f"make-{number}")
            acknowledged.append(answer.project.name)
            if len(acknowledged) == 10:
                server.stop_project(signal.SIGKILL)

        await asyncio.gather(*(make(number) for number in range(40)), return_exceptions=True)
    assert len(acknowledged) >= 10
    server.start_project()
    async with grpc.aio.insecure_channel(server.address) as channel:
        admin = await sign_in(Client(channel), **credentials)
        for number in range(40):
            await admin.project("CreateProject", name=f"P{number}", request_id=f"make-{number}")
        names = [one.name for one in (await admin.project("ListProjects", page_size=1000)).projects]
        assert sorted(names) == sorted(["My project", *(f"P{number}" for number in range(40))])
        events = await admin.client.call(admin.client.audit.ListEvents, audit_pb.ListEventsRequest(page_size=1000))
        assert events.intact


async def test_the_first_password_is_forgotten_once_it_is_changed(server: ProjectServer) -> None:
    first = server.first_sign_in()
    async with grpc.aio.insecure_channel(server.address) as channel:
        admin = await sign_in(Client(channel), **first)
        await admin.identity("UpdateMe", name="Boss")
        assert server.first_sign_in() == first
        await admin.identity("UpdateMe", new_password="a password of my own", old_password=first["password"])
        assert not (server.data / "first-sign-in.json").exists()
        await sign_in(Client(channel), first["email"], "a password of my own")


async def test_a_first_password_that_is_no_longer_right_is_forgotten_at_start(server: ProjectServer) -> None:
    file = server.data / "first-sign-in.json"
    first = file.read_bytes()
    async with grpc.aio.insecure_channel(server.address) as channel:
        admin = await sign_in(Client(channel), **server.first_sign_in())
        change = {"new_password": "a password of my own", "old_password": server.first_sign_in()["password"]}
        await admin.identity("UpdateMe", **change)
    server.stop_project()
    file.write_bytes(first)
    server.start_project()
    assert not file.exists()


async def test_streams_end_when_the_service_is_told_to_stop(server: ProjectServer) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        client = Client(channel, service="gateway")
        call = client.access.WatchAccess(access_pb.WatchAccessRequest(), metadata=client.metadata)
        first = await call.read()
        assert isinstance(first, access_pb.WatchAccessResponse)
        assert first.everything
        assert await asyncio.to_thread(server.stop_project) == 0
        server.start_project()


async def test_keys_rotate_with_an_overlap() -> None:
    # Lives in days: a key that signs for two seconds, the next published one second ahead.
    settings = {"KEY_DAYS": str(2 / 86_400), "KEY_LEAD_S": "1", "UPKEEP_S": "0.1", "TOKEN_S": "60"}
    with serving(**{f"RUSHES_PROJECT__{name}": value for name, value in settings.items()}) as server:
        async with grpc.aio.insecure_channel(server.address) as channel:
            client = Client(channel)
            admin = await sign_in(client, **server.first_sign_in())
            first = jwt.get_unverified_header(admin.token)["kid"]
            latest = first
            while latest == first:
                admin_again = await session_of(client, admin.session_secret, admin.person)
                latest = jwt.get_unverified_header(admin_again.token)["kid"]
                published = {key.kid for key in (await client.call(client.identity.GetKeys, pb.GetKeysRequest())).keys}
                assert {first, latest} <= published
            for token in (admin.token, admin_again.token):
                signed = client.signed(token)
                assert (await signed.call(signed.identity.GetMe, pb.GetMeRequest())).person == admin.person


async def test_a_wrong_setting_is_named() -> None:
    server = ProjectServer(RUSHES_PROJECT__TOKNE_S="5")
    with pytest.raises(AssertionError, match=r"(?i)tokne_s"):
        server.start()
    server.stop()
