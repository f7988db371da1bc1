"""Use cases about who people are: sign-in, sessions, oneself, names of others."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mesh.ids import new_id
from svc_project import metrics
from svc_project.context import Context, Work, secret
from svc_project.core import page, text
from svc_project.core import session as lifetime
from svc_project.core.errors import (
    InvalidField,
    PasswordNeeded,
    PersonNotFound,
    SessionEnded,
    SignInBusy,
    TooManyAttempts,
    WrongCredentials,
)
from svc_project.core.model import Person, PersonId, Session, SessionId, TenantId, Who
from svc_project.core.throttle import Throttle
from svc_project.password import Passwords

log = logging.getLogger(__name__)


def digest(secret_: str) -> bytes:
    """What is kept of a secret. It has 256 random bits, so one fast hash is enough."""
    return hashlib.sha256(secret_.encode()).digest()


@dataclass(frozen=True, slots=True)
class Opened:
    """A session with its secret, which is nowhere else."""

    secret: str
    session: Session
    person: Person


@dataclass(frozen=True, slots=True)
class Profile:
    """What a person wants to be changed about themselves; None and "" leave it."""

    name: str = ""
    color: int | None = None
    new_password: str = ""
    old_password: str = ""


def open_session(work: Work, person: Person, lifetime_ms: int) -> Opened:
    """A new session of a person."""
    value = secret()
    session = Session(
        session_id=SessionId(new_id()),
        tenant_id=person.tenant_id,
        person_id=person.person_id,
        created_ms=work.now_ms,
        expires_ms=work.now_ms + lifetime_ms,
    )
    work.unit.sessions.add(session, digest(value))
    work.trail.add(person.tenant_id, person.person_id, "session.open", f"session/{session.session_id}")
    return Opened(value, session, person)


def find_session(work: Work, value: str) -> tuple[Session, Person]:
    """The open session with this secret, and its person."""
    session = work.unit.sessions.by_secret(digest(value)) if value else None
    if session is None or not lifetime.is_open(session, work.now_ms):
        raise SessionEnded
    person = work.unit.people.get(session.tenant_id, session.person_id)
    if person is None:
        raise SessionEnded
    return session, person


class Identity:
    """Sign-in, sessions and people."""

    def __init__(
        self,
        context: Context,
        passwords: Passwords,
        *,
        session_ms: int,
        emails: Throttle,
        clients: Throttle,
        password_changed: Callable[[Person], None],
    ) -> None:
        self._context = context
        self._passwords = passwords
        self._emails = emails
        self._clients = clients
        self._password_changed = password_changed
        self.session_ms = session_ms

    async def sign_in(self, email: str, password: str, client: str) -> Opened:
        """Opens a session. Unknown addresses cost what known ones do, and are answered alike."""
        address = text.clean_email(email)
        if not password or len(password.encode()) > text.PASSWORD_BYTES:
            raise InvalidField("password", f"1 to {text.PASSWORD_BYTES} bytes are needed")
        self._begin(address, client)
        try:
            person = await self._context.run(lambda work: work.unit.people.by_email(address))
            right = await self._passwords.verify(person.password_hash if person else "", password)
        except SignInBusy:
            self._emails.forgive(address)
            self._clients.forgive(client)
            metrics.SIGN_INS.labels("busy").inc()
            raise
        metrics.SIGN_INS.labels("right" if right else "wrong").inc()
        if person is None or not right:
            self._note_failure(person)
            raise WrongCredentials
        self._emails.succeed(address)
        self._clients.forgive(client)
        fresh = await self._passwords.hash(password) if self._passwords.outdated(person.password_hash) else ""
        return await self._context.run(lambda work: self._open(work, person, fresh))

    def _open(self, work: Work, person: Person, fresh_hash: str) -> Opened:
        now = work.unit.people.get(person.tenant_id, person.person_id)
        if now is None or now.password_hash != person.password_hash:
            raise WrongCredentials
        if fresh_hash:
            work.unit.people.save(replace(now, password_hash=fresh_hash))
        return open_session(work, now, self.session_ms)

    def _begin(self, address: str, client: str) -> None:
        now_ms = self._context.clock.now_ms()
        wait_ms = self._emails.wait_ms(address, now_ms)
        if client:
            wait_ms = max(wait_ms, self._clients.wait_ms(client, now_ms))
        if wait_ms:
            metrics.SIGN_INS.labels("slowed").inc()
            raise TooManyAttempts(wait_ms)
        self._emails.begin(address, now_ms)
        if client:
            self._clients.begin(client, now_ms)

    def _note_failure(self, person: Person | None) -> None:
        # Afterwards and on the side: a write for known addresses alone would tell them from unknown ones.
        log.warning("sign_in_failed", extra={"known": person is not None})
        if person is None:
            return
        known = person

        def note(work: Work) -> None:
            work.trail.add(known.tenant_id, PersonId(""), "session.refuse", f"person/{known.person_id}")

        self._context.begin(note)

    async def sign_out(self, session_secret: str) -> None:
        """Ends a session; one that is not open is no error."""

        def end(work: Work) -> None:
            session = work.unit.sessions.by_secret(digest(session_secret)) if session_secret else None
            if session is None or not lifetime.is_open(session, work.now_ms):
                return
            work.unit.sessions.end(session.session_id, work.now_ms)
            work.changes.sessions.add(session.session_id)
            work.trail.add(session.tenant_id, session.person_id, "session.end", f"session/{session.session_id}")

        await self._context.run(end)

    async def use_session(self, session_secret: str) -> Session:
        """The open session with this secret, which lasts longer by being used."""

        def use(work: Work) -> Session:
            session, _ = find_session(work, session_secret)
            expires_ms = lifetime.slide(session, work.now_ms, self.session_ms)
            if expires_ms is None:
                return session
            work.unit.sessions.extend(session.session_id, expires_ms)
            return replace(session, expires_ms=expires_ms)

        return await self._context.run(use)

    async def me(self, who: Who) -> Person:
        """Oneself."""
        return await self._context.run(lambda work: _person(work, who))

    async def update_me(self, who: Who, session_id: SessionId, profile: Profile) -> Person:
        """Changes oneself. A new password ends all other sessions."""
        name = text.clean_name(profile.name) if profile.name else ""
        color = None if profile.color is None else text.check_color(profile.color)
        old_hash = new_hash = ""
        if profile.new_password:
            text.check_password(profile.new_password, "new_password")
            old_hash = await self._check_password(who, profile.old_password)
            new_hash = await self._passwords.hash(profile.new_password)

        def change(work: Work) -> Person:
            before = _person(work, who)
            if new_hash and before.password_hash != old_hash:
                raise WrongCredentials
            after = replace(
                before,
                name=name or before.name,
                color=before.color if color is None else color,
                password_hash=new_hash or before.password_hash,
            )
            if after == before:
                return before
            work.unit.people.save(after)
            work.changes.people.add(after.person_id)
            changed = " ".join(field for field, new in (("name", name), ("password", new_hash)) if new) or "color"
            work.trail.add(who.tenant_id, who.person_id, "person.update", f"person/{who.person_id}", changed=changed)
            if new_hash:
                ended = work.unit.sessions.end_others(who.tenant_id, who.person_id, session_id, work.now_ms)
                work.changes.sessions.update(ended)
            return after

        person = await self._context.run(change)
        if new_hash:
            self._password_changed(person)
        return person

    async def _check_password(self, who: Who, password: str) -> str:
        """The hash of one's password, if this is it; guesses are slowed down as those at sign-in are."""
        person = await self.me(who)
        if not person.password_hash:
            raise PasswordNeeded
        if not password or len(password.encode()) > text.PASSWORD_BYTES:
            raise InvalidField("old_password", "the password now is needed")
        self._begin(person.email, "")
        try:
            right = await self._passwords.verify(person.password_hash, password)
        except SignInBusy:
            self._emails.forgive(person.email)
            raise
        if not right:
            raise WrongCredentials
        self._emails.succeed(person.email)
        return person.password_hash

    async def people(
        self, who: Who, person_ids: Sequence[PersonId], page_size: int, page_token: str
    ) -> tuple[Person, Sequence[Person], str]:
        """Oneself, the people asked for, and the token of the next page."""
        if len(person_ids) > page.LARGEST_SIZE:
            raise InvalidField("person_ids", f"at most {page.LARGEST_SIZE}")
        scope = f"people/{who.tenant_id}/{who.person_id}"
        asked = page.parse(page_size, page_token, scope, (str, str))
        known = [person_id for person_id in person_ids if text.is_id(person_id)]

        def find(work: Work) -> tuple[Person, Sequence[Person], str]:
            me = _person(work, who)
            if person_ids:
                return me, work.unit.people.named(who.tenant_id, known), ""
            sharing = None if me.administrator else me.person_id
            rows = work.unit.people.page(who.tenant_id, sharing, asked.after, asked.size + 1)
            found = rows[: asked.size]
            more = len(rows) > asked.size
            last = found[-1] if more else None
            return me, found, page.token(scope, (text.sort_key(last.name), last.person_id)) if last else ""

        return await self._context.run(find)


def new_person(
    tenant_id: TenantId,
    name: str,
    now_ms: int,
    *,
    place: int = 0,
    email: str = "",
    password_hash: str = "",
    administrator: bool = False,
) -> Person:
    """A new person; without an address a guest. `place`: how many the tenant has already."""
    person_id = PersonId(new_id())
    return Person(
        person_id=person_id,
        tenant_id=tenant_id,
        name=name,
        email=email,
        color=text.color_of(place),
        guest=not email,
        administrator=administrator,
        password_hash=password_hash,
        created_ms=now_ms,
    )


def _person(work: Work, who: Who) -> Person:
    person = work.unit.people.get(who.tenant_id, who.person_id)
    if person is None:
        raise PersonNotFound
    return person
