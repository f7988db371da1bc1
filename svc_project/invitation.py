"""Use cases about invitations: links that let whoever has them into a project."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mesh.ids import new_id
from mesh.sql import AlreadyUsed
from svc_project.context import Context, Work, secret
from svc_project.core import invitation as rules
from svc_project.core import page, text
from svc_project.core.errors import (
    InvalidField,
    InvitationClosed,
    InvitationNotFound,
    ProjectNotFound,
    TooManyLinks,
)
from svc_project.core.model import Invitation, InvitationId, Once, Person, PersonId, Project, ProjectId, Session, Who
from svc_project.core.role import check_role, stronger
from svc_project.identity import Identity, Opened, digest, find_session, new_person, open_session
from svc_project.password import Passwords

# Whoever knows the link and the request id of another guest would be taken for that guest.
REQUEST_ID_LEAST = 16


@dataclass(frozen=True, slots=True)
class Terms:
    """What an invitation is to be."""

    project_id: ProjectId
    role: str
    lifetime_s: int
    max_uses: int


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who accepts an invitation without being signed in."""

    name: str
    email: str
    password: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """Somebody is in; `secret` is "" where a session was there already."""

    secret: str
    session: Session
    person: Person
    project_id: ProjectId


class Invitations:
    """Making, showing, accepting and withdrawing invitations."""

    def __init__(self, context: Context, identity: Identity, passwords: Passwords) -> None:
        self._context = context
        self._identity = identity
        self._passwords = passwords

    async def create(self, who: Who, terms: Terms, once: Once) -> tuple[Invitation, str]:
        """A new invitation and its secret."""
        check_role(terms.role)
        lifetime_ms = rules.check_lifetime(terms.lifetime_s) * 1000
        max_uses = rules.check_uses(terms.max_uses)

        def add(work: Work) -> str:
            invitation = Invitation(
                invitation_id=InvitationId(new_id()),
                tenant_id=who.tenant_id,
                project_id=terms.project_id,
                role=terms.role,
                person_id=who.person_id,
                created_ms=work.now_ms,
                expires_ms=work.now_ms + lifetime_ms,
                max_uses=max_uses,
                uses=0,
                revoked=False,
            )
            work.unit.invitations.add(invitation)
            resource = f"project/{terms.project_id}"
            work.trail.add(
                who.tenant_id, who.person_id, "invitation.create", resource,
                invitation_id=invitation.invitation_id, role=terms.role,
            )  # fmt: skip
            return invitation.invitation_id

        def create(work: Work) -> tuple[Invitation, str]:
            invitation_id, _ = work.unit.once(once, lambda: add(work))
            invitation = work.unit.invitations.get(who.tenant_id, terms.project_id, InvitationId(invitation_id))
            if invitation is None:
                raise InvitationNotFound
            value = secret()
            if work.unit.invitations.add_secret(invitation, digest(value)) > rules.SECRETS:
                raise TooManyLinks
            return invitation, value

        return await self._context.run(create)

    async def get(self, value: str) -> tuple[Invitation, Project]:
        """What an invitation is to."""

        def find(work: Work) -> tuple[Invitation, Project]:
            invitation = _find(work, value)
            rules.check_open(invitation, work.now_ms, new_use=True)
            project = work.unit.projects.get(invitation.tenant_id, invitation.project_id)
            if project is None:
                raise ProjectNotFound
            return invitation, project

        return await self._context.run(find)

    async def open(
        self, who: Who, project_id: ProjectId, page_size: int, page_token: str
    ) -> tuple[Sequence[Invitation], str]:
        """Those of a project that let somebody in now, the newest first, and the token of the next page."""
        scope = f"invitations/{who.tenant_id}/{project_id}"
        asked = page.parse(page_size, page_token, scope, (int, str))
        rows = await self._context.run(
            lambda work: work.unit.invitations.open(who.tenant_id, project_id, work.now_ms, asked.after, asked.size + 1)
        )
        found = rows[: asked.size]
        last = found[-1] if len(rows) > asked.size else None
        return found, page.token(scope, (last.created_ms, last.invitation_id)) if last else ""

    async def revoke(self, who: Who, project_id: ProjectId, invitation_id: InvitationId, once: Once) -> None:
        """Withdraws an invitation."""

        def withdraw(work: Work) -> str:
            known = text.is_id(invitation_id)
            found = work.unit.invitations.get(who.tenant_id, project_id, invitation_id) if known else None
            if found is None:
                raise InvitationNotFound
            if not found.revoked:
                work.unit.invitations.revoke(invitation_id)
                resource = f"project/{project_id}"
                work.trail.add(who.tenant_id, who.person_id, "invitation.revoke", resource, invitation_id=invitation_id)
            return ""

        await self._context.run(lambda work: work.unit.once(once, lambda: withdraw(work)))

    async def accept_signed_in(self, value: str, session_secret: str) -> Accepted:
        """Adds the role to who is signed in; by itself the same however often it is done."""

        def accept(work: Work) -> Accepted:
            session, person = find_session(work, session_secret)
            invitation = _find(work, value)
            if invitation.tenant_id != person.tenant_id:
                raise InvitationNotFound
            before = work.unit.access.role(invitation.tenant_id, invitation.project_id, person.person_id)
            role = stronger(before, invitation.role)
            rules.check_open(invitation, work.now_ms, new_use=role != before)
            if role != before:
                _let_in(work, invitation, person, role)
            return Accepted("", session, person, invitation.project_id)

        return await self._context.run(accept)

    async def accept_new(self, value: str, newcomer: Newcomer) -> Accepted:
        """Makes a person, with a password or as a guest, and opens a session."""
        name = text.clean_name(newcomer.name)
        email = text.clean_email(newcomer.email) if newcomer.email else ""
        if newcomer.password and not email:
            raise InvalidField("email", "an address is needed with a password")
        if email:
            text.check_password(newcomer.password)
        request_id = text.check_request_id(newcomer.request_id, least=REQUEST_ID_LEAST)
        # Before the dear hash, and again in the transaction: strangers without a link cost little.
        await self._context.run(lambda work: rules.check_open(_find(work, value), work.now_ms, new_use=False))
        password_hash = await self._passwords.hash(newcomer.password) if email else ""

        def accept(work: Work) -> tuple[Person, ProjectId, Opened | None]:
            invitation = _find(work, value)
            rules.check_open(invitation, work.now_ms, new_use=False)
            content = json.dumps([invitation.invitation_id, name, email]).encode()
            once = Once(invitation.tenant_id, "", "AcceptInvitation", request_id, content)
            person_id, new = work.unit.once(once, lambda: _admit(work, invitation, name, email, password_hash))
            person = work.unit.people.get(invitation.tenant_id, PersonId(person_id))
            if person is None:
                raise InvitationClosed("was used by somebody who is gone")
            proven = new or person.guest
            return person, invitation.project_id, self._open(work, person) if proven else None

        person, project_id, opened = await self._context.run(accept)
        if opened is None:
            # Asked again. The password is no part of what the store compares, for its hash there would be easy to
            # guess from: it is compared here.
            if not await self._passwords.verify(person.password_hash, newcomer.password):
                raise AlreadyUsed("This request_id was used for another request.", field="request_id")
            opened = await self._context.run(lambda work: self._open(work, person))
        return Accepted(opened.secret, opened.session, opened.person, project_id)

    def _open(self, work: Work, person: Person) -> Opened:
        return open_session(work, person, self._identity.session_ms)


def _find(work: Work, value: str) -> Invitation:
    invitation = work.unit.invitations.by_secret(digest(value)) if value else None
    if invitation is None:
        raise InvitationNotFound
    return invitation


def _admit(work: Work, invitation: Invitation, name: str, email: str, password_hash: str) -> str:
    rules.check_open(invitation, work.now_ms, new_use=True)
    place = work.unit.people.count(invitation.tenant_id)
    person = new_person(invitation.tenant_id, name, work.now_ms, place=place, email=email, password_hash=password_hash)
    work.unit.people.add(person)
    kind = "guest" if person.guest else "person"
    work.trail.add(person.tenant_id, person.person_id, "person.create", f"person/{person.person_id}", kind=kind)
    _let_in(work, invitation, person, invitation.role)
    return person.person_id


def _let_in(work: Work, invitation: Invitation, person: Person, role: str) -> None:
    tenant_id, project_id = invitation.tenant_id, invitation.project_id
    work.unit.access.put(tenant_id, project_id, person.person_id, role, work.now_ms)
    work.unit.invitations.use(invitation.invitation_id)
    work.changes.people.add(person.person_id)
    work.trail.add(
        tenant_id, person.person_id, "invitation.accept", f"project/{project_id}",
        invitation_id=invitation.invitation_id, role=role,
    )  # fmt: skip
