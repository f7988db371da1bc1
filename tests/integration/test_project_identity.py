"""Sign-in, sessions, people and invitations of a running svc_project."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mesh.rpc import to_error
from rushes.project.v1 import identity_service_pb2 as pb
from svc_project.core import role
from tests.integration.project_server import Client, Person, ProjectServer, invite, join, reason, serving, sign_in

PROJECT = 1


@pytest.fixture(scope="module")
def server() -> Iterator[ProjectServer]:
    with serving() as running:
        yield running


@pytest.fixture
async def client(server: ProjectServer) -> AsyncIterator[Client]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Client(channel)


@pytest.fixture
async def admin(server: ProjectServer, client: Client) -> Person:
    return await sign_in(client, **server.first_sign_in())


async def refused(call: object) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call  # type: ignore[misc]
    return reason(error.value)


async def issue(client: Client, secret: str) -> pb.IssueTokenResponse:
    answer: pb.IssueTokenResponse = await client.call(
        client.identity.IssueToken, pb.IssueTokenRequest(session_secret=secret)
    )
    return answer


async def test_the_first_administrator_owns_the_first_project(server: ProjectServer, admin: Person) -> None:
    assert admin.person.email == "admin@rushes.local"
    assert admin.person.administrator
    assert (server.data / "first-sign-in.json").stat().st_mode & 0o777 == 0o600
    projects = (await admin.project("ListProjects")).projects
    assert (projects[0].name, projects[0].permissions) == ("My project", role.ALL)
    me = await admin.identity("GetMe")
    assert (me.person, me.tenant_permissions) == (admin.person, role.ALL)


async def test_a_token_has_the_claims_and_is_verified_with_a_published_key(client: Client, admin: Person) -> None:
    keys = {key.kid: key.key for key in (await client.call(client.identity.GetKeys, pb.GetKeysRequest())).keys}
    kid = jwt.get_unverified_header(admin.token)["kid"]
    public = Ed25519PublicKey.from_public_bytes(keys[kid])
    claims = jwt.decode(admin.token, public, algorithms=["EdDSA"], audience="rushes")
    assert set(claims) == {"sub", "sid", "tid", "aud", "exp", "iat", "jti"}
    assert (claims["sub"], claims["tid"]) == (admin.person_id, "default")
    assert claims["exp"] - claims["iat"] == 300


async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(client: Client, admin: Person) -> None:
    ann = await invite(admin, PROJECT, "member", "Ann", email="ann@x.org", password="correct horse")
    assert ann.person.email == "ann@x.org"
    answers = []
    for email in ("ann@x.org", "nobody@x.org"):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await sign_in(client, email, "wrong password")
        answers.append((error.value.code(), error.value.details(), reason(error.value)[1]))
    assert answers[0] == answers[1]
    assert answers[0][2] == "WRONG_CREDENTIALS"
    again = await sign_in(client, " ANN@X.org ", "correct horse")
    assert again.person_id == ann.person_id


async def test_guessing_is_slowed_down_with_a_time_to_retry(client: Client) -> None:
    reasons = [await refused(sign_in(client, "victim@x.org", f"guess {number}")) for number in range(5)]
    assert set(reasons) == {("UNAUTHENTICATED", "WRONG_CREDENTIALS")}
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await sign_in(client, "victim@x.org", "one more")
    assert reason(error.value) == ("RESOURCE_EXHAUSTED", "TOO_MANY_ATTEMPTS")
    retry_after_s = to_error(error.value).retry_after_s
    assert retry_after_s is not None
    assert 0 < retry_after_s <= 1


async def test_guesses_side_by_side_are_counted_too(client: Client) -> None:
    guesses = [refused(sign_in(client, "parallel@x.org", "guess")) for _ in range(20)]
    codes = [code for code, _ in await asyncio.gather(*guesses)]
    assert codes.count("UNAUTHENTICATED") == 5
    assert codes.count("RESOURCE_EXHAUSTED") == 15


async def test_an_ended_session_gives_no_token_any_more(client: Client, admin: Person) -> None:
    guest = await invite(admin, PROJECT, "guest", "Gast")
    request = pb.SignOutRequest(session_secret=guest.session_secret)
    await client.call(client.identity.SignOut, request)
    await client.call(client.identity.SignOut, request)
    assert await refused(issue(client, guest.session_secret)) == ("UNAUTHENTICATED", "SESSION_ENDED")
    assert (await refused(guest.identity("GetMe")))[0] == "UNAUTHENTICATED"
    assert await refused(issue(client, "")) == ("UNAUTHENTICATED", "SESSION_ENDED")


async def test_secrets_are_kept_as_hashes_alone(server: ProjectServer, client: Client, admin: Person) -> None:
    made = await admin.identity("CreateInvitation", project_id=PROJECT, role="guest", request_id="secret-" + "x" * 16)
    guest = await join(client, made.secret, "Gast", request_id="join-" + "y" * 16)
    await client.call(client.identity.SignOut, pb.SignOutRequest(session_secret=guest.session_secret))
    kept = b"".join(path.read_bytes() for path in server.data.glob("project.db*"))
    assert hashlib.sha256(guest.session_secret.encode()).digest() in kept
    for secret in (guest.session_secret, made.secret, admin.session_secret):
        assert secret.encode() not in kept
    assert server.first_sign_in()["password"].encode() not in kept


async def test_a_person_changes_name_and_colour(admin: Person) -> None:
    guest = await invite(admin, PROJECT, "guest", "Gast")
    changed = (await guest.identity("UpdateMe", name="  Anna  ", color=0)).person
    assert (changed.name, changed.color) == ("Anna", 0)
    assert (await guest.identity("UpdateMe")).person == changed
    assert (await refused(guest.identity("UpdateMe", color=0x1000000)))[1] == "INVALID_FIELD"
    assert (await refused(guest.identity("UpdateMe", name="a\nb")))[1] == "INVALID_FIELD"


async def test_a_new_password_ends_all_other_sessions(client: Client, admin: Person) -> None:
    ben = await invite(admin, PROJECT, "member", "Ben", email="ben@x.org", password="the first one")
    other = await sign_in(client, "ben@x.org", "the first one")
    change = {"new_password": "the second one"}
    assert (await refused(ben.identity("UpdateMe", **change)))[1] == "INVALID_FIELD"
    assert (await refused(ben.identity("UpdateMe", **change, old_password="wrong")))[1] == "WRONG_CREDENTIALS"
    assert (await refused(ben.identity("UpdateMe", new_password="short", old_password="x")))[1] == "INVALID_FIELD"
    await ben.identity("UpdateMe", **change, old_password="the first one")
    assert (await refused(other.identity("GetMe")))[0] == "UNAUTHENTICATED"
    assert (await refused(issue(client, other.session_secret)))[1] == "SESSION_ENDED"
    assert (await ben.identity("GetMe")).person.name == "Ben"
    assert (await refused(sign_in(client, "ben@x.org", "the first one")))[1] == "WRONG_CREDENTIALS"
    await sign_in(client, "ben@x.org", "the second one")


async def test_a_guest_has_no_password_and_makes_no_projects(admin: Person) -> None:
    guest = await invite(admin, PROJECT, "guest", "Gast")
    assert guest.person.guest
    assert (await refused(guest.identity("UpdateMe", new_password="12345678", old_password="")))[1] == "PASSWORD_NEEDED"
    assert (await refused(guest.project("CreateProject", name="Mine")))[1] == "GUEST_MAY_NOT"


async def test_people_see_who_shares_a_project_and_administrators_everybody(admin: Person) -> None:
    own = (await admin.project("CreateProject", name="Apart")).project
    carl = await invite(admin, own.project_id, "member", "Carl", email="carl@x.org", password="12345678")
    dora = await invite(admin, own.project_id, "guest", "Dora")
    other = await invite(admin, PROJECT, "guest", "Elsewhere")
    seen = (await dora.identity("ListPeople")).people
    assert [one.name for one in seen] == ["Administrator", "Carl", "Dora"]
    assert {one.email for one in seen} == {""}
    everybody = (await admin.identity("ListPeople", page_size=1000)).people
    assert {carl.person_id, dora.person_id, other.person_id} <= {one.person_id for one in everybody}
    assert "carl@x.org" in {one.email for one in everybody}
    named = (await dora.identity("ListPeople", person_ids=[carl.person_id, "nobody", "no\0body"])).people
    assert [one.name for one in named] == ["Carl"]


async def test_people_come_page_by_page(admin: Person) -> None:
    own = (await admin.project("CreateProject", name="Pages")).project
    ann = await invite(admin, own.project_id, "member", "A1")
    for name in ("B2", "C3"):
        await invite(admin, own.project_id, "guest", name)
    names, token = [], ""
    while True:
        answer = await ann.identity("ListPeople", page_size=2, page_token=token)
        names += [one.name for one in answer.people]
        token = answer.next_page_token
        if not token:
            break
    assert names == ["A1", "Administrator", "B2", "C3"]
    assert (await refused(ann.identity("ListPeople", page_token="xx")))[1] == "INVALID_PAGE_TOKEN"
    assert (await refused(ann.identity("ListPeople", page_size=1001)))[1] == "INVALID_FIELD"


async def test_an_invitation_says_what_it_is_to(client: Client, admin: Person) -> None:
    made = await admin.identity("CreateInvitation", project_id=PROJECT, role="reviewer", lifetime_s=60)
    shown = await client.call(client.identity.GetInvitation, pb.GetInvitationRequest(secret=made.secret))
    assert (shown.project_name, shown.role, shown.expires_ms) == ("My project", "reviewer", made.expires_ms)
    call = client.call(client.identity.GetInvitation, pb.GetInvitationRequest(secret="guessed"))
    assert await refused(call) == ("NOT_FOUND", "INVITATION_NOT_FOUND")
    assert (await refused(admin.identity("CreateInvitation", project_id=PROJECT, role="boss")))[1] == "INVALID_FIELD"


async def test_an_invitation_sent_twice_is_one_and_both_links_open_it(client: Client, admin: Person) -> None:
    request = {"project_id": PROJECT, "role": "guest", "max_uses": 1, "request_id": "twice-" + "z" * 16}
    first = await admin.identity("CreateInvitation", **request)
    second = await admin.identity("CreateInvitation", **request)
    assert first.invitation_id == second.invitation_id
    await join(client, second.secret, "Gast")
    assert await refused(join(client, first.secret, "Another")) == ("FAILED_PRECONDITION", "INVITATION_CLOSED")
    other = {**request, "role": "member"}
    assert (await refused(admin.identity("CreateInvitation", **other)))[0] == "ABORTED"


async def test_a_withdrawn_invitation_lets_nobody_in(client: Client, admin: Person) -> None:
    made = await admin.identity("CreateInvitation", project_id=PROJECT, role="guest")
    for _ in range(2):
        await admin.identity("RevokeInvitation", project_id=PROJECT, invitation_id=made.invitation_id)
    assert (await refused(join(client, made.secret, "Late")))[1] == "INVITATION_CLOSED"
    gone = admin.identity("RevokeInvitation", project_id=PROJECT, invitation_id="unknown")
    assert await refused(gone) == ("NOT_FOUND", "INVITATION_NOT_FOUND")


async def test_open_invitations_are_listed_for_owners_alone(client: Client, admin: Person) -> None:
    made = [
        (await admin.identity("CreateInvitation", project_id=PROJECT, role=role)).invitation_id
        for role in ("guest", "reviewer", "member")
    ]
    await admin.identity("RevokeInvitation", project_id=PROJECT, invitation_id=made[2])
    first = await admin.identity("ListInvitations", project_id=PROJECT, page_size=1)
    rest = await admin.identity("ListInvitations", project_id=PROJECT, page_token=first.next_page_token)
    found = [*first.invitations, *rest.invitations]
    assert {each.invitation_id: each.role for each in found if each.invitation_id in made} == {
        made[0]: "guest",
        made[1]: "reviewer",
    }
    assert found[0].person_id == admin.person_id
    member = await invite(admin, PROJECT, "member", "Mia")
    assert (await refused(member.identity("ListInvitations", project_id=PROJECT)))[0] == "PERMISSION_DENIED"


async def test_accepting_sent_twice_makes_one_person(client: Client, admin: Person) -> None:
    made = await admin.identity("CreateInvitation", project_id=PROJECT, role="guest", max_uses=2)
    guests = [await join(client, made.secret, "Gast", request_id="guest-" + "g" * 16) for _ in range(2)]
    assert guests[0].person_id == guests[1].person_id
    assert guests[0].session_secret != guests[1].session_secret
    fields = {"email": "fay@x.org", "password": "12345678", "request_id": "fay-" + "f" * 16}
    fays = [await join(client, made.secret, "Fay", **fields) for _ in range(2)]
    assert fays[0].person_id == fays[1].person_id
    stolen = {**fields, "password": "another one"}
    assert await refused(join(client, made.secret, "Fay", **stolen)) == ("ABORTED", "ALREADY_USED")


async def test_a_request_id_that_can_be_guessed_is_refused(client: Client, admin: Person) -> None:
    made = await admin.identity("CreateInvitation", project_id=PROJECT, role="guest")
    assert (await refused(join(client, made.secret, "Gast", request_id="1")))[1] == "INVALID_FIELD"


async def test_an_address_that_is_taken_is_refused(client: Client, admin: Person) -> None:
    made = await admin.identity("CreateInvitation", project_id=PROJECT, role="owner", max_uses=1)
    taken = join(client, made.secret, "Fake", email="Admin@Rushes.local", password="12345678")
    assert await refused(taken) == ("ABORTED", "EMAIL_TAKEN")
    assert (await refused(join(client, made.secret, "X", password="12345678")))[1] == "INVALID_FIELD"
    assert (await refused(join(client, made.secret, "X", email="x@x.org", password="short")))[1] == "INVALID_FIELD"
    assert (await refused(join(client, made.secret, "")))[1] == "INVALID_FIELD"
    await join(client, made.secret, "Real")


async def test_who_is_signed_in_gets_the_role_and_never_loses_one(client: Client, admin: Person) -> None:
    own = (await admin.project("CreateProject", name="Second")).project.project_id
    gina = await invite(admin, PROJECT, "member", "Gina")

    async def accept(wanted: str) -> pb.AcceptInvitationResponse:
        made = await admin.identity("CreateInvitation", project_id=own, role=wanted, max_uses=1)
        request = pb.AcceptInvitationRequest(secret=made.secret, session_secret=gina.session_secret)
        for _ in range(2):
            answer: pb.AcceptInvitationResponse = await client.call(client.identity.AcceptInvitation, request)
        return answer

    answer = await accept("reviewer")
    assert (answer.session.secret, answer.person.person_id, answer.project_id) == ("", gina.person_id, own)
    await accept("guest")
    roles = {grant.person_id: grant.role for grant in (await admin.access("ListGrants", project_id=own)).grants}
    assert roles == {admin.person_id: "owner", gina.person_id: "reviewer"}
    made = await admin.identity("CreateInvitation", project_id=own, role="member")
    request = pb.AcceptInvitationRequest(secret=made.secret, session_secret="ended")
    assert (await refused(client.call(client.identity.AcceptInvitation, request)))[1] == "SESSION_ENDED"
