"""What changed about rights, gathered for each watcher between two of its messages; and whose listing is another."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from svc_project.core.model import PersonId, ProjectId, Resource, SessionId


@dataclass(slots=True)
class Changes:
    """What a mutation changed; the lists hold each thing once."""

    people: set[PersonId] = field(default_factory=set)
    resources: set[Resource] = field(default_factory=set)
    sessions: set[SessionId] = field(default_factory=set)
    projects: set[ProjectId] = field(default_factory=set)
    """Of which something else is listed now. No rights depend on it."""

    def __bool__(self) -> bool:
        return bool(self.about_rights or self.projects)

    @property
    def about_rights(self) -> bool:
        """Whether cached rights may be others."""
        return bool(self.people or self.resources or self.sessions)

    def size(self) -> int:
        """How many things are named."""
        return len(self.people) + len(self.resources) + len(self.sessions)


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to a watcher; an empty one is a heartbeat."""

    people: tuple[PersonId, ...] = ()
    resources: tuple[Resource, ...] = ()
    sessions: tuple[SessionId, ...] = ()
    everything: bool = False


class Pending:
    """What a watcher has yet to be told: at most `limit` things, beyond it just "everything"."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._changes = Changes()
        self._everything = True

    def add(self, changes: Changes) -> None:
        """More has changed. What a slow watcher already waits for is not repeated."""
        if self._everything:
            return
        mine = self._changes
        mine.people |= changes.people
        mine.resources |= changes.resources
        mine.sessions |= changes.sessions
        if mine.size() > self._limit:
            self.overflow()

    def overflow(self) -> None:
        """Too much changed to name it."""
        self._changes = Changes()
        self._everything = True

    def waiting(self) -> bool:
        """There is something to tell."""
        return self._everything or bool(self._changes)

    def take(self, ended: Iterable[SessionId]) -> Notice:
        """The next message. `ended` are all sessions that ended while a token of theirs may still be valid:
        "everything" names no sessions, so they go with it.
        """
        changes, everything = self._changes, self._everything
        self._changes, self._everything = Changes(), False
        if everything:
            return Notice(sessions=tuple(sorted(ended)), everything=True)
        resources = sorted(changes.resources, key=lambda resource: (resource.kind, resource.id))
        return Notice(tuple(sorted(changes.people)), tuple(resources), tuple(sorted(changes.sessions)))
