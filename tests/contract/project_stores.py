"""A few people and projects for a store of svc_project, and what tests put beside them."""

from dataclasses import replace

from svc_project.core.model import (
    AssetId,
    Event,
    FolderId,
    Invitation,
    InvitationId,
    Once,
    Person,
    PersonId,
    ProjectId,
    Session,
    SessionId,
    TenantId,
    VideoFacts,
    VideoId,
)
from svc_project.stores import Unit

ONE, TWO = TenantId("one"), TenantId("two")
ANNA, BEN, ZOE = PersonId("anna"), PersonId("ben"), PersonId("zoe")


def person(person_id: PersonId, tenant_id: TenantId = ONE, **changes: object) -> Person:
    """A person."""
    base = Person(person_id, tenant_id, person_id.title(), f"{person_id}@x.org", 1, False, False, "hash", 5)
    return replace(base, **changes)  # type: ignore[arg-type]


def session(name: str, person_id: PersonId = ANNA) -> Session:
    """A session."""
    return Session(SessionId(name), ONE, person_id, 0, 1000)


def invitation(name: str, expires_ms: int = 1000) -> Invitation:
    """An invitation to project 1."""
    return Invitation(InvitationId(name), ONE, ProjectId(1), "guest", ANNA, 0, expires_ms, 2, 0, revoked=False)


def video(video_id: int, home_id: int = 1) -> VideoFacts:
    """A video of tenant one."""
    return VideoFacts(VideoId(video_id), ONE, ProjectId(home_id), f"clip{video_id}.mov")


def event(number: int, tenant_id: str = "one") -> Event:
    """An event."""
    return Event(f"{number:032x}", tenant_id, number, "svc_media", "", "upload", f"video/{number}", "")


def once(request_id: str = "r", content: bytes = b"c") -> Once:
    """A request."""
    return Once("one", "anna", "Method", request_id, content)


def seed(unit: Unit) -> None:
    """Two tenants, three people, project 1 of tenant one with Anna as its owner, project 2 of tenant two."""
    unit.people.add_tenant(ONE, "One", 1)
    unit.people.add_tenant(TWO, "Two", 1)
    for one in (person(ANNA), person(BEN), person(ZOE, TWO)):
        unit.people.add(one)
    assert unit.projects.add(ONE, "Spot", "spot", 1) == 1
    assert unit.projects.add(TWO, "Other", "other", 1) == 2
    unit.access.put(ONE, ProjectId(1), ANNA, "owner", 1)
    unit.access.put(TWO, ProjectId(2), ZOE, "owner", 1)


def new_asset(unit: Unit, name: str, project_id: int = 1, tags: tuple[str, ...] = (), now_ms: int = 1) -> AssetId:
    """A new asset of tenant one."""
    project = unit.projects.get(ONE, ProjectId(project_id))
    assert project is not None
    return unit.assets.add(project, name, tags, FolderId(0), now_ms)


def stack(unit: Unit, asset_id: AssetId, facts: VideoFacts, person_id: PersonId = ANNA) -> None:
    """Stacks a cut."""
    asset = unit.assets.get(ONE, asset_id)
    assert asset is not None
    unit.assets.add_cut(asset, facts, person_id, 3)
