"""The whole product for tests: `rushes up` with a project, a clip that can be reviewed, and people."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks.stack import Stack, running
from benchmarks.studio import IDENTITY, PROJECT, Studio
from rushes.media.v1 import media_service_pb2
from rushes.project.v1 import identity_service_pb2, project_service_pb2
from tests.clips import footage

# Weak on purpose: hashing is what a stack would spend most of its time with here.
FAST_HASHES = {"RUSHES_PROJECT__HASH_MEMORY_KIB": "64", "RUSHES_PROJECT__HASH_PASSES": "1"}


@dataclass
class Product:
    """A running stack and what is in it."""

    stack: Stack
    studio: Studio
    video: media_service_pb2.Video
    """A clip that is ready: bikes.mp4, 250 frames."""
    _people: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where people and programs reach it."""
        return self.stack.address

    @property
    def host(self) -> str:
        """Host of the address."""
        return urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        """Port of the address."""
        return self.stack.port

    @property
    def secret(self) -> str:
        """The administrator's session."""
        return self.studio.secret

    @property
    def video_id(self) -> int:
        """The clip."""
        return self.video.video_id

    def person(self, role: str) -> str:
        """Session of somebody with a role on the project, the same each time."""
        if role not in self._people:
            self._people[role] = self.studio.people(1, role)[0]
        return self._people[role]

    def token(self, secret: str = "") -> str:
        """An access token of a session (the administrator's)."""
        request = identity_service_pb2.IssueTokenRequest(session_secret=secret or self.secret)
        token: str = self.stack.rpc(IDENTITY, "IssueToken", request, "").token
        return token

    def fresh_video(self) -> int:
        """Another upload of the clip, as an asset, with notes of its own; it may not be ready yet."""
        return self.studio.video(footage()).video_id

    def project(self, name: str) -> int:
        """A new project of the administrator's."""
        request = project_service_pb2.CreateProjectRequest(name=name, request_id=secrets.token_hex(16))
        project_id: int = self.stack.rpc(PROJECT, "CreateProject", request, self.secret).project.project_id
        return project_id


@contextlib.contextmanager
def serving(*arguments: str, **environ: str) -> Iterator[Product]:
    """A product of its own, ended afterwards."""
    with running(None, *arguments, **{**FAST_HASHES, **environ}) as stack:
        studio = Studio(stack)
        yield Product(stack, studio, studio.video(footage()))
