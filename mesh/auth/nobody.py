"""Identity for a service that knows no people: only other services call it, in their own name."""

from collections.abc import Callable

from mesh.auth.caller import Caller
from mesh.auth.identity import Claims, TokenInvalid
from rushes.type.v1.access_pb2 import Resource


class Nobody:
    """See `Identity`: everybody is a stranger, and nobody may anything. It needs no other service."""

    async def ready(self) -> None:
        """See Identity."""

    def verify(self, token: str) -> Claims:
        """See Identity."""
        raise TokenInvalid("This service serves no people.")

    def cached(self, caller: Caller, resource: Resource) -> int | None:
        """See Identity."""
        return 0

    @property
    def version(self) -> int:
        """See Identity: nothing ever changes."""
        return 0

    async def permissions(self, caller: Caller, resource: Resource) -> int:
        """See Identity."""
        return 0

    async def name(self, caller: Caller) -> str:
        """See Identity."""
        return ""

    def ended(self, session_id: str) -> bool:
        """See Identity."""
        return True

    def on_change(self, callback: Callable[[], None]) -> None:
        """See Identity: nothing ever changes."""

    async def close(self) -> None:
        """See Identity."""
