"""The first start: a tenant, an administrator with a password that is shown once, and a project to drop files in."""

import contextlib
import json
import os
import secrets
from pathlib import Path

from svc_project.context import Context, Work
from svc_project.core import password as readable
from svc_project.core import text
from svc_project.core.model import Person, TenantId
from svc_project.identity import new_person
from svc_project.library import add_project
from svc_project.password import Passwords

TENANT = TenantId("default")
PROJECT_NAME = "My project"
FILE_NAME = "first-sign-in.json"


class FirstSignIn:
    """DATA/project/first-sign-in.json: address and password of the first administrator, until it is changed.

    Instances that start at once may share the folder: each writes a file of its own, and the one whose administrator
    there is gives it the name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / FILE_NAME

    def write(self, email: str, password: str) -> Path:
        """Durable when this returns, and readable for its owner alone from the first byte."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f"{FILE_NAME}.{secrets.token_hex(8)}"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"email": email, "password": password}, file)
            file.flush()
            os.fsync(file.fileno())
        self._sync()
        return part

    def publish(self, part: Path) -> None:
        """What was written is right. Another instance may have seen so first."""
        with contextlib.suppress(FileNotFoundError):
            part.replace(self._path)
        self._sync()

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def written(self) -> list[Path]:
        """What instances wrote that ended before they knew whether it is right."""
        return sorted(self._folder.glob(f"{FILE_NAME}.*"))

    def read(self, path: Path | None = None) -> tuple[str, str] | None:
        """Address and password; None: it is not there, or not whole."""
        try:
            content = json.loads((path or self._path).read_text("utf-8"))
            return str(content["email"]), str(content["password"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def remove(self) -> None:
        """The password was changed."""
        self._path.unlink(missing_ok=True)

    def password_changed(self, person: Person) -> None:
        """Removes the file if it is this person's."""
        known = self.read()
        if known is not None and known[0] == person.email:
            self.remove()


async def prepare(context: Context, passwords: Passwords, first: FirstSignIn, *, tenant_name: str, email: str) -> None:
    """Makes what a first start needs; at later ones drops a file whose password is no longer right."""
    if await context.run(lambda work: work.unit.people.tenants()):
        await _check(context, passwords, first)
        return
    address = text.clean_email(email)
    password = readable.readable(secrets.token_bytes(readable.BYTES))
    password_hash = await passwords.hash(password)
    # The file first: killed between the two, the next start writes it anew; the other way the password would be lost.
    part = first.write(address, password)

    def make(work: Work) -> bool:
        if work.unit.people.tenants():
            return False
        work.unit.people.add_tenant(TENANT, text.clean_name(tenant_name, "tenant_name"), work.now_ms)
        person = new_person(
            TENANT, "Administrator", work.now_ms, email=address, password_hash=password_hash, administrator=True
        )
        work.unit.people.add(person)
        work.trail.add(TENANT, person.person_id, "person.create", f"person/{person.person_id}", kind="administrator")
        add_project(work, person, PROJECT_NAME)
        return True

    if await context.run(make):
        first.publish(part)
    else:  # another instance was first
        part.unlink(missing_ok=True)


async def _check(context: Context, passwords: Passwords, first: FirstSignIn) -> None:
    for part in first.written():
        if await _right(context, passwords, first.read(part)):
            first.publish(part)
        else:
            part.unlink(missing_ok=True)
    known = first.read()
    if known is not None and not await _right(context, passwords, known):
        first.remove()


async def _right(context: Context, passwords: Passwords, known: tuple[str, str] | None) -> bool:
    """Whether somebody has this password."""
    if known is None:
        return False
    email, password = known
    person = await context.run(lambda work: work.unit.people.by_email(email))
    return person is not None and await passwords.verify(person.password_hash, password)
