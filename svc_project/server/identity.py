"""IdentityService."""

from typing import Any, TypeAlias

import grpc

from mesh.auth import caller
from rushes.project.v1 import identity_service_pb2 as pb
from rushes.project.v1 import identity_service_pb2_grpc as pb_grpc
from svc_project.core import role
from svc_project.core.model import InvitationId, PersonId, ProjectId, SessionId
from svc_project.identity import Identity, Profile
from svc_project.invitation import Invitations, Newcomer, Terms
from svc_project.server import proto
from svc_project.settings import Settings
from svc_project.token import Tokens

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

# Set by the gateway: who it is that tries passwords.
CLIENT = "rushes-client"


class IdentityServicer(pb_grpc.IdentityServiceServicer):
    """Who people are."""

    def __init__(self, identity: Identity, invitations: Invitations, tokens: Tokens, settings: Settings) -> None:
        self._settings = settings
        self._identity = identity
        self._invitations = invitations
        self._tokens = tokens

    async def SignIn(self, request: pb.SignInRequest, context: Context) -> pb.SignInResponse:
        """Signs a person in."""
        opened = await self._identity.sign_in(request.email, request.password, _client(context))
        return pb.SignInResponse(
            session=proto.to_session(opened.session, opened.secret),
            person=proto.to_person(opened.person, with_email=True),
        )

    async def SignOut(self, request: pb.SignOutRequest, context: Context) -> pb.SignOutResponse:
        """Ends a session."""
        await self._identity.sign_out(request.session_secret)
        return pb.SignOutResponse()

    async def IssueToken(self, request: pb.IssueTokenRequest, context: Context) -> pb.IssueTokenResponse:
        """A short access token."""
        session = await self._identity.use_session(request.session_secret)
        token, expires_ms = self._tokens.issue(session)
        return pb.IssueTokenResponse(token=token, expires_ms=expires_ms)

    async def GetKeys(self, request: pb.GetKeysRequest, context: Context) -> pb.GetKeysResponse:
        """The public keys."""
        return pb.GetKeysResponse(keys=[pb.PublicKey(kid=kid, key=key) for kid, key in self._tokens.public_keys()])

    async def GetMe(self, request: pb.GetMeRequest, context: Context) -> pb.GetMeResponse:
        """Who is calling."""
        person = await self._identity.me(proto.who())
        return pb.GetMeResponse(
            person=proto.to_person(person, with_email=True), tenant_permissions=role.tenant_mask(person)
        )

    async def UpdateMe(self, request: pb.UpdateMeRequest, context: Context) -> pb.UpdateMeResponse:
        """Changes oneself."""
        color = request.color if request.HasField("color") else None
        profile = Profile(request.name, color, request.new_password, request.old_password)
        person = await self._identity.update_me(proto.who(), SessionId(caller().session_id), profile)
        return pb.UpdateMeResponse(person=proto.to_person(person, with_email=True))

    async def ListPeople(self, request: pb.ListPeopleRequest, context: Context) -> pb.ListPeopleResponse:
        """Names of people; addresses are for oneself and administrators."""
        person_ids = [PersonId(person_id) for person_id in request.person_ids]
        me, people, token = await self._identity.people(proto.who(), person_ids, request.page_size, request.page_token)
        return pb.ListPeopleResponse(
            people=[
                proto.to_person(person, with_email=me.administrator or person.person_id == me.person_id)
                for person in people
            ],
            next_page_token=token,
        )

    async def CreateInvitation(
        self, request: pb.CreateInvitationRequest, context: Context
    ) -> pb.CreateInvitationResponse:
        """Makes a link."""
        terms = Terms(ProjectId(request.project_id), request.role, request.lifetime_s, request.max_uses)
        once = proto.once("CreateInvitation", request, request.request_id)
        invitation, secret = await self._invitations.create(proto.who(), terms, once)
        return pb.CreateInvitationResponse(
            invitation_id=invitation.invitation_id, secret=secret, expires_ms=invitation.expires_ms
        )

    async def ListInvitations(self, request: pb.ListInvitationsRequest, context: Context) -> pb.ListInvitationsResponse:
        """Links that are open."""
        found, token = await self._invitations.open(
            proto.who(), ProjectId(request.project_id), request.page_size, request.page_token
        )
        return pb.ListInvitationsResponse(
            invitations=[proto.to_invitation(invitation) for invitation in found], next_page_token=token
        )

    async def GetInvitation(self, request: pb.GetInvitationRequest, context: Context) -> pb.GetInvitationResponse:
        """What a link is to."""
        invitation, project = await self._invitations.get(request.secret)
        return pb.GetInvitationResponse(
            project_name=project.name, role=invitation.role, expires_ms=invitation.expires_ms
        )

    async def AcceptInvitation(
        self, request: pb.AcceptInvitationRequest, context: Context
    ) -> pb.AcceptInvitationResponse:
        """Lets somebody in."""
        if request.session_secret:
            accepted = await self._invitations.accept_signed_in(request.secret, request.session_secret)
        else:
            newcomer = Newcomer(request.name, request.email, request.password, request.request_id)
            accepted = await self._invitations.accept_new(request.secret, newcomer)
        return pb.AcceptInvitationResponse(
            session=proto.to_session(accepted.session, accepted.secret),
            person=proto.to_person(accepted.person, with_email=True),
            project_id=accepted.project_id,
        )

    async def RevokeInvitation(
        self, request: pb.RevokeInvitationRequest, context: Context
    ) -> pb.RevokeInvitationResponse:
        """Withdraws a link."""
        once = proto.once("RevokeInvitation", request, request.request_id)
        invitation_id = InvitationId(request.invitation_id)
        await self._invitations.revoke(proto.who(), ProjectId(request.project_id), invitation_id, once)
        return pb.RevokeInvitationResponse()

    async def GetSettings(self, request: pb.GetSettingsRequest, context: Context) -> pb.GetSettingsResponse:
        """One's own settings."""
        found = await self._settings.find(proto.who(), tuple(request.names))
        return pb.GetSettingsResponse(settings=[proto.to_setting(setting) for setting in found])

    async def UpdateSettings(self, request: pb.UpdateSettingsRequest, context: Context) -> pb.UpdateSettingsResponse:
        """Changes one of one's own settings."""
        wanted = request.setting
        once = proto.once("UpdateSettings", request, request.request_id)
        setting = await self._settings.change(proto.who(), wanted.name, wanted.value_json, wanted.etag, once)
        return pb.UpdateSettingsResponse(setting=proto.to_setting(setting))


def _client(context: Context) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == CLIENT and isinstance(value, str):
            return value[:64]
    return ""
