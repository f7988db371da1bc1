"""What every adapter of svc_project's store promises."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mesh.sql import Database
from rushes.errors import Conflict
from svc_project.core import chain
from svc_project.core.errors import CutExists, EmailTaken
from svc_project.core.model import (
    Asset,
    AssetId,
    InvitationId,
    PersonId,
    ProjectId,
    SessionId,
    SigningKey,
    VideoId,
    VideoPath,
)
from svc_project.stores import Store, Unit
from svc_project.stores.sql import SqlStore
from tests.contract.project_stores import (
    ANNA,
    BEN,
    ONE,
    TWO,
    ZOE,
    event,
    invitation,
    new_asset,
    once,
    person,
    seed,
    session,
    stack,
    video,
)

pytest_plugins = ["tests.contract.project_fixtures"]


async def test_a_transaction_that_raises_leaves_everything_as_it_was(store: Store) -> None:
    def work(unit: Unit) -> None:
        unit.projects.add(ONE, "Lost", "lost", 2)
        unit.audit.append(event(1))
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        await store.run(work)
    assert await store.run(lambda unit: [p.name for p, _ in unit.projects.page(ONE, None, None, 9)]) == ["Spot"]
    assert await store.run(lambda unit: unit.audit.head("one")) == (0, chain.GENESIS)


async def test_transactions_take_effect_one_after_the_other(store: Store) -> None:
    await asyncio.gather(*(store.run(lambda unit, n=n: unit.audit.append(event(n))) for n in range(30)))  # type: ignore[misc]
    chained = await store.run(lambda unit: unit.audit.page("one", 0, 100))
    assert [one.ordinal for one in chained] == list(range(1, 31))


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'project.db'}"
    first = SqlStore(Database(url))
    await first.prepare()
    await first.run(seed)
    await first.close()
    second = SqlStore(Database(url))
    await second.prepare()
    assert await second.run(lambda unit: unit.people.get(ONE, ANNA)) == person(ANNA)
    await second.close()


async def test_a_person_is_found_by_id_in_their_tenant_alone(store: Store) -> None:
    assert await store.run(lambda unit: unit.people.get(ONE, ANNA)) == person(ANNA)
    assert await store.run(lambda unit: unit.people.get(TWO, ANNA)) is None
    assert await store.run(lambda unit: unit.people.tenants()) == [ONE, TWO]


async def test_an_address_is_one_persons_in_all_tenants(store: Store) -> None:
    assert await store.run(lambda unit: unit.people.by_email("zoe@x.org")) == person(ZOE, TWO)
    assert await store.run(lambda unit: unit.people.by_email("nobody@x.org")) is None
    with pytest.raises(EmailTaken):
        await store.run(lambda unit: unit.people.add(person(PersonId("carl"), email="zoe@x.org")))


async def test_many_guests_have_no_address(store: Store) -> None:
    def work(unit: Unit) -> None:
        for name in ("g1", "g2"):
            unit.people.add(person(PersonId(name), email="", guest=True, password_hash=""))

    await store.run(work)
    guest = await store.run(lambda unit: unit.people.get(ONE, PersonId("g2")))
    assert guest is not None
    assert (guest.email, guest.guest) == ("", True)


async def test_a_person_changes_name_colour_and_password(store: Store) -> None:
    changed = person(ANNA, name="Anne", color=7, password_hash="other")
    await store.run(lambda unit: unit.people.save(changed))
    assert await store.run(lambda unit: unit.people.get(ONE, ANNA)) == changed
    assert await store.run(lambda unit: unit.people.get(ONE, BEN)) == person(BEN)


async def test_named_people_of_other_tenants_are_left_out(store: Store) -> None:
    found = await store.run(lambda unit: unit.people.named(ONE, [ZOE, BEN, ANNA, PersonId("nobody")]))
    assert [one.person_id for one in found] == [ANNA, BEN]


async def test_people_come_by_name_page_by_page(store: Store) -> None:
    await store.run(lambda unit: unit.people.add(person(PersonId("carl"), name="anna")))
    first = await store.run(lambda unit: unit.people.page(ONE, None, None, 2))
    assert [one.person_id for one in first] == [ANNA, "carl"]
    rest = await store.run(lambda unit: unit.people.page(ONE, None, ("anna", "carl"), 2))
    assert [one.person_id for one in rest] == [BEN]


async def test_people_who_share_a_project_are_found(store: Store) -> None:
    assert [one.person_id for one in await store.run(lambda unit: unit.people.page(ONE, BEN, None, 9))] == [BEN]
    await store.run(lambda unit: unit.access.put(ONE, ProjectId(1), BEN, "guest", 2))
    assert [one.person_id for one in await store.run(lambda unit: unit.people.page(ONE, BEN, None, 9))] == [ANNA, BEN]


async def test_a_session_is_found_by_id_and_by_its_secret(store: Store) -> None:
    await store.run(lambda unit: unit.sessions.add(session("s"), b"secret"))
    assert await store.run(lambda unit: unit.sessions.get(SessionId("s"))) == session("s")
    assert await store.run(lambda unit: unit.sessions.by_secret(b"secret")) == session("s")
    assert await store.run(lambda unit: unit.sessions.by_secret(b"other")) is None
    await store.run(lambda unit: unit.sessions.extend(SessionId("s"), 2000))
    assert await store.run(lambda unit: unit.sessions.get(SessionId("s"))) == replace(session("s"), expires_ms=2000)


async def test_ended_sessions_are_remembered_and_later_dropped(store: Store) -> None:
    def work(unit: Unit) -> None:
        for name in ("a", "b", "c"):
            unit.sessions.add(session(name), name.encode())
        unit.sessions.add(session("d", BEN), b"d")
        unit.sessions.end(SessionId("a"), 10)

    await store.run(work)
    ended = await store.run(lambda unit: unit.sessions.end_others(ONE, ANNA, SessionId("b"), 20))
    assert ended == ["c"]
    assert await store.run(lambda unit: unit.sessions.ended_since(0)) == [("a", 10), ("c", 20)]
    assert await store.run(lambda unit: unit.sessions.ended_since(11)) == [("c", 20)]
    assert await store.run(lambda unit: unit.sessions.prune(15)) == 1
    assert await store.run(lambda unit: unit.sessions.prune(1001)) == 3


async def test_keys_come_the_oldest_first(store: Store) -> None:
    keys = [SigningKey("b", b"2", 5, 20, 30, 40), SigningKey("a", b"1", 5, 10, 20, 30)]

    def work(unit: Unit) -> None:
        for key in keys:
            unit.keys.add(key)

    await store.run(work)
    assert await store.run(lambda unit: unit.keys.all()) == [keys[1], keys[0]]
    await store.run(lambda unit: unit.keys.drop(["a"]))
    assert await store.run(lambda unit: unit.keys.all()) == [keys[0]]


async def test_an_invitation_opens_with_each_of_its_secrets(store: Store) -> None:
    await store.run(lambda unit: unit.invitations.add(invitation("i")))
    assert await store.run(lambda unit: unit.invitations.add_secret(invitation("i"), b"1")) == 1
    assert await store.run(lambda unit: unit.invitations.add_secret(invitation("i"), b"2")) == 2
    await store.run(lambda unit: unit.invitations.use(InvitationId("i")))
    await store.run(lambda unit: unit.invitations.revoke(InvitationId("i")))
    changed = replace(invitation("i"), uses=1, revoked=True)
    for secret in (b"1", b"2"):
        assert await store.run(lambda unit, secret=secret: unit.invitations.by_secret(secret)) == changed  # type: ignore[misc]
    assert await store.run(lambda unit: unit.invitations.by_secret(b"3")) is None


async def test_an_invitation_is_found_by_id_in_its_project_alone(store: Store) -> None:
    await store.run(lambda unit: unit.invitations.add(invitation("i")))
    found = await store.run(lambda unit: unit.invitations.get(ONE, ProjectId(1), InvitationId("i")))
    assert found == invitation("i")
    assert await store.run(lambda unit: unit.invitations.get(ONE, ProjectId(2), InvitationId("i"))) is None
    assert await store.run(lambda unit: unit.invitations.get(TWO, ProjectId(1), InvitationId("i"))) is None


async def test_open_invitations_are_listed_newest_first_in_pages(store: Store) -> None:
    made = [replace(invitation(name), created_ms=at) for name, at in (("a", 5), ("b", 7), ("c", 7), ("d", 6))]
    shut = (
        replace(invitation("late", expires_ms=50), created_ms=8),
        replace(invitation("used"), uses=2),
        replace(invitation("withdrawn"), revoked=True),
    )

    def work(unit: Unit) -> None:
        for each in (*made, *shut):
            unit.invitations.add(each)

    await store.run(work)
    first = await store.run(lambda unit: unit.invitations.open(ONE, ProjectId(1), 50, None, 2))
    assert [each.invitation_id for each in first] == ["c", "b"]
    rest = await store.run(lambda unit: unit.invitations.open(ONE, ProjectId(1), 50, (7, "b"), 9))
    assert rest == [made[3], made[0]]
    assert await store.run(lambda unit: unit.invitations.open(ONE, ProjectId(2), 50, None, 9)) == []
    assert await store.run(lambda unit: unit.invitations.open(TWO, ProjectId(1), 50, None, 9)) == []


async def test_old_invitations_go_with_their_secrets(store: Store) -> None:
    def work(unit: Unit) -> None:
        unit.invitations.add(invitation("old", 10))
        unit.invitations.add_secret(invitation("old"), b"1")
        unit.invitations.add(invitation("new", 100))

    await store.run(work)
    assert await store.run(lambda unit: unit.invitations.prune(50)) == 1
    assert await store.run(lambda unit: unit.invitations.by_secret(b"1")) is None


async def test_a_role_is_given_changed_and_taken(store: Store) -> None:
    async def role() -> str:
        return await store.run(lambda unit: unit.access.role(ONE, ProjectId(1), BEN))

    assert await role() == ""
    for wanted in ("guest", "owner"):
        await store.run(lambda unit, wanted=wanted: unit.access.put(ONE, ProjectId(1), BEN, wanted, 2))  # type: ignore[misc]
        assert await role() == wanted
    assert await store.run(lambda unit: unit.access.owners(ONE, ProjectId(1))) == [ANNA, BEN]
    await store.run(lambda unit: unit.access.take(ONE, ProjectId(1), BEN))
    assert await role() == ""


async def test_a_role_in_another_tenant_is_none(store: Store) -> None:
    assert await store.run(lambda unit: unit.access.role(TWO, ProjectId(1), ANNA)) == ""
    assert await store.run(lambda unit: unit.access.owners(TWO, ProjectId(1))) == []
    assert await store.run(lambda unit: unit.access.page(TWO, ProjectId(1), None, 9)) == []
    await store.run(lambda unit: unit.access.take(TWO, ProjectId(1), ANNA))
    assert await store.run(lambda unit: unit.access.role(ONE, ProjectId(1), ANNA)) == "owner"


async def test_a_room_narrows_guests_alone_and_in_the_place_of_what_it_narrowed_before(store: Store) -> None:
    def work(unit: Unit) -> list[list[PersonId]]:
        gus = person(PersonId("gus"), guest=True, email="")
        unit.people.add(gus)
        told = [
            unit.access.limit(ONE, ProjectId(1), "room", limits)
            for limits in ({PersonId("gus"): 2, ANNA: 2}, {PersonId("gus"): 2}, {PersonId("gus"): 6}, {})
        ]
        unit.access.limit(ONE, ProjectId(1), "room", {PersonId("gus"): 6})
        unit.access.limit(ONE, ProjectId(1), "other", {PersonId("gus"): 2})
        assert unit.access.most(gus, ProjectId(1)) == 2
        assert unit.access.most(gus, ProjectId(2)) == -1
        return [list(each) for each in told]

    assert await store.run(work) == [["gus"], [], ["gus"], ["gus"]]


async def test_roles_come_by_name(store: Store) -> None:
    await store.run(lambda unit: unit.access.put(ONE, ProjectId(1), BEN, "guest", 2))
    first = await store.run(lambda unit: unit.access.page(ONE, ProjectId(1), None, 1))
    assert [(one.person_id, one.name, one.role) for one in first] == [(ANNA, "Anna", "owner")]
    rest = await store.run(lambda unit: unit.access.page(ONE, ProjectId(1), (first[0].name_key, ANNA), 9))
    assert [(one.person_id, one.role) for one in rest] == [(BEN, "guest")]


async def test_projects_count_their_assets_and_keep_their_version(store: Store) -> None:
    await store.run(lambda unit: new_asset(unit, "a"))
    project = await store.run(lambda unit: unit.projects.get(ONE, ProjectId(1)))
    assert project is not None
    assert (project.asset_count, project.version) == (1, 1)
    renaming = replace(project, name="Film", name_key="film", statuses=("open", "done"), version=2)
    await store.run(lambda unit: unit.projects.save(renaming))
    renamed = await store.run(lambda unit: unit.projects.get(ONE, ProjectId(1)))
    assert renamed == renaming
    assert await store.run(lambda unit: unit.projects.get(TWO, ProjectId(1))) is None


async def test_projects_come_by_name_for_who_has_a_role(store: Store) -> None:
    await store.run(lambda unit: unit.projects.add(ONE, "Alpha", "alpha", 2))
    everything = await store.run(lambda unit: unit.projects.page(ONE, None, None, 9))
    assert [(project.name, role) for project, role in everything] == [("Alpha", ""), ("Spot", "")]
    annas = await store.run(lambda unit: unit.projects.page(ONE, ANNA, None, 9))
    assert [(project.name, role) for project, role in annas] == [("Spot", "owner")]
    after = await store.run(lambda unit: unit.projects.page(ONE, None, ("alpha", 3), 9))
    assert [project.name for project, _ in after] == ["Spot"]
    assert await store.run(lambda unit: unit.projects.page(TWO, ANNA, None, 9)) == []


async def test_an_asset_keeps_what_it_is_given(store: Store) -> None:
    asset_id = await store.run(lambda unit: new_asset(unit, "Hero", tags=("b", "\u5b57")))
    expected = Asset(asset_id, ONE, ProjectId(1), "Hero", ("b", "\u5b57"), "wip", 1, 1, 1)
    assert await store.run(lambda unit: unit.assets.get(ONE, asset_id)) == expected
    assert await store.run(lambda unit: unit.assets.get(TWO, asset_id)) is None
    assert await store.run(lambda unit: unit.access.project_of(ONE, asset_id)) == 1
    assert await store.run(lambda unit: unit.access.project_of(TWO, asset_id)) is None
    changed = replace(expected, name="Villain", tags=(), status="final", version=2, updated_ms=9)
    await store.run(lambda unit: unit.assets.save(changed))
    assert await store.run(lambda unit: unit.assets.get(ONE, asset_id)) == changed


async def test_ids_of_projects_and_assets_are_dense(store: Store) -> None:
    assert [await store.run(lambda unit: new_asset(unit, "a")) for _ in range(3)] == [1, 2, 3]
    assert await store.run(lambda unit: unit.projects.add(ONE, "x", "x", 1)) == 3


async def test_cuts_are_stacked_in_order_the_newest_first(store: Store) -> None:
    def work(unit: Unit) -> AssetId:
        asset_id = new_asset(unit, "Hero")
        stack(unit, asset_id, video(7))
        stack(unit, asset_id, video(5))
        return asset_id

    asset_id = await store.run(work)
    asset = await store.run(lambda unit: unit.assets.get(ONE, asset_id))
    assert asset is not None
    assert [(cut.number, cut.video_id, cut.file_name, cut.person_id) for cut in asset.cuts] == [
        (2, 5, "clip5.mov", ANNA),
        (1, 7, "clip7.mov", ANNA),
    ]


async def test_a_video_is_a_cut_of_an_asset_once(store: Store) -> None:
    asset_id = await store.run(lambda unit: new_asset(unit, "Hero"))
    await store.run(lambda unit: stack(unit, asset_id, video(7)))
    with pytest.raises(CutExists):
        await store.run(lambda unit: stack(unit, asset_id, video(7)))


async def test_the_ways_to_a_video_go_over_its_cuts(store: Store) -> None:
    def work(unit: Unit) -> None:
        unit.projects.add(ONE, "Second", "second", 1)
        unit.access.put(ONE, ProjectId(1), BEN, "guest", 2)
        unit.access.put(ONE, ProjectId(3), BEN, "owner", 2)
        stack(unit, new_asset(unit, "home"), video(7))
        stack(unit, new_asset(unit, "away", project_id=3), video(7), BEN)

    await store.run(work)
    paths = await store.run(lambda unit: unit.access.video_paths(person(BEN), VideoId(7)))
    assert set(paths) == {VideoPath(True, "guest", "owner"), VideoPath(False, "owner", "guest")}
    stranger = person(PersonId("carl"))
    paths = await store.run(lambda unit: unit.access.video_paths(stranger, VideoId(7)))
    assert {path.role for path in paths} == {""}
    administrator = person(PersonId("carl"), administrator=True)
    paths = await store.run(lambda unit: unit.access.video_paths(administrator, VideoId(7)))
    assert {path.role for path in paths} == {"owner"}
    assert await store.run(lambda unit: unit.access.video_paths(person(ZOE, TWO), VideoId(7))) == []
    assert await store.run(lambda unit: unit.access.lent_videos(ONE, ProjectId(1), BEN)) == [7]
    assert await store.run(lambda unit: unit.access.lent_videos(ONE, ProjectId(1), ANNA)) == []


async def test_an_administrator_who_lends_a_video_does_so_as_an_owner(store: Store) -> None:
    def work(unit: Unit) -> None:
        unit.people.add(person(PersonId("carl"), administrator=True))
        unit.projects.add(ONE, "Second", "second", 1)
        stack(unit, new_asset(unit, "away", project_id=3), video(7), PersonId("carl"))

    await store.run(work)
    paths = await store.run(lambda unit: unit.access.video_paths(person(BEN), VideoId(7)))
    assert paths == [VideoPath(False, "", "owner")]


async def test_events_are_chained_by_tenant_and_each_is_taken_once(store: Store) -> None:
    assert await store.run(lambda unit: unit.audit.append(event(1)))
    assert await store.run(lambda unit: unit.audit.append(event(2)))
    assert await store.run(lambda unit: unit.audit.append(event(3, "two")))
    assert not await store.run(lambda unit: unit.audit.append(event(1)))
    ones = await store.run(lambda unit: unit.audit.page("one", 0, 9))
    assert [(one.ordinal, one.event) for one in ones] == [(1, event(1)), (2, event(2))]
    verifier = chain.Verifier()
    verifier.walk(ones)
    verifier.end(*await store.run(lambda unit: unit.audit.head("one")))
    assert verifier.intact
    heads = await store.run(lambda unit: unit.audit.heads())
    assert [(tenant_id, ordinal) for tenant_id, ordinal, _ in heads] == [("one", 2), ("two", 1)]
    assert [one.ordinal for one in await store.run(lambda unit: unit.audit.page("one", 1, 9))] == [2]
    assert await store.run(lambda unit: unit.audit.head("three")) == (0, chain.GENESIS)


async def test_a_request_is_done_once_and_answered_as_then(store: Store) -> None:
    answers = iter(["first", "second"])
    assert not await store.run(lambda unit: unit.was_done(once()))
    assert await store.run(lambda unit: unit.once(once(), lambda: next(answers))) == ("first", True)
    assert await store.run(lambda unit: unit.once(once(), lambda: next(answers))) == ("first", False)
    assert await store.run(lambda unit: unit.was_done(once()))
    assert not await store.run(lambda unit: unit.was_done(replace(once(), person_id="ben")))


async def test_a_request_id_with_other_content_is_refused(store: Store) -> None:
    await store.run(lambda unit: unit.once(once(), lambda: "first"))
    with pytest.raises(Conflict):
        await store.run(lambda unit: unit.once(once(content=b"other"), lambda: "second"))
    with pytest.raises(Conflict):
        await store.run(lambda unit: unit.was_done(once(content=b"other")))


@pytest.mark.parametrize("change", [{"tenant_id": "two"}, {"person_id": "ben"}, {"method": "Other"}])
async def test_the_same_request_id_of_another_is_another(store: Store, change: dict[str, Any]) -> None:
    other = replace(once(), **change)
    await store.run(lambda unit: unit.once(once(), lambda: "first"))
    assert await store.run(lambda unit: unit.once(other, lambda: "second")) == ("second", True)


async def test_a_request_that_failed_may_be_done_again(store: Store) -> None:
    def fail() -> str:
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        await store.run(lambda unit: unit.once(once(), fail))
    assert await store.run(lambda unit: unit.once(once(), lambda: "done")) == ("done", True)


async def test_a_request_without_an_id_is_always_done(store: Store) -> None:
    for answer in ("first", "second"):
        assert await store.run(lambda unit, answer=answer: unit.once(once(""), lambda: answer)) == (answer, True)  # type: ignore[misc]
