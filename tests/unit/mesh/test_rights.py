"""What is believed of rights, and for how long."""

from mesh.auth import Caller
from mesh.auth.rights import BELIEVED_S, ENDED_S, MAX_EACH, QUIET_S, Rights
from rushes.type.v1 import access_pb2
from rushes.type.v1.access_pb2 import Resource

ANNA = Caller("gateway", "anna", "s1", "t", 0, "")
BERT = Caller("gateway", "bert", "s2", "t", 0, "")
VIDEO = Resource(kind=access_pb2.RESOURCE_KIND_VIDEO, id="1")
OTHER = Resource(kind=access_pb2.RESOURCE_KIND_VIDEO, id="2")
ASSET = Resource(kind=access_pb2.RESOURCE_KIND_ASSET, id="1")
PROJECT = Resource(kind=access_pb2.RESOURCE_KIND_PROJECT, id="1")


class Known:
    """Rights on a clock that is moved by hand, with all masks known."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.rights = Rights(lambda: self.now_s)
        self.rights.heard(everything=True)
        for caller in (ANNA, BERT):
            for resource in (VIDEO, OTHER, ASSET, PROJECT):
                self.rights.put(caller, resource, 7, self.rights.generation)

    def what(self) -> set[tuple[str, int, str]]:
        """What is known: person, kind, id."""
        return {
            (caller.person_id, resource.kind, resource.id)
            for caller in (ANNA, BERT)
            for resource in (VIDEO, OTHER, ASSET, PROJECT)
            if self.rights.get(caller, resource) is not None
        }


def test_nothing_is_known_before_the_first_heartbeat() -> None:
    rights = Rights(lambda: 0.0)
    rights.put(ANNA, VIDEO, 7, rights.generation)
    assert rights.lost
    assert rights.get(ANNA, VIDEO) is None


def test_a_mask_is_of_one_session_and_tenant() -> None:
    known = Known()
    assert known.rights.get(ANNA, VIDEO) == 7
    assert known.rights.get(Caller("gateway", "anna", "s9", "t"), VIDEO) is None
    assert known.rights.get(Caller("gateway", "anna", "s1", "other"), VIDEO) is None


def test_a_change_of_a_person_drops_theirs_alone() -> None:
    known = Known()
    assert known.rights.heard(people=["anna"])
    assert {person for person, _, _ in known.what()} == {"bert"}
    assert len(known.what()) == 4


def test_a_change_of_a_video_drops_it_for_everybody() -> None:
    known = Known()
    known.rights.heard(resources=[VIDEO])
    assert known.rights.get(ANNA, VIDEO) is None
    assert known.rights.get(BERT, VIDEO) is None
    assert len(known.what()) == 6


def test_a_change_of_an_asset_drops_videos_too_and_of_a_project_everything() -> None:
    known = Known()
    known.rights.heard(resources=[ASSET])
    assert known.what() == {(person, PROJECT.kind, "1") for person in ("anna", "bert")}
    known = Known()
    known.rights.heard(resources=[PROJECT])
    assert not known.what()


def test_an_answer_that_a_change_overtook_is_not_kept() -> None:
    known = Known()
    before = known.rights.generation
    known.rights.heard(people=["anna"])
    known.rights.put(ANNA, VIDEO, 7, before)
    assert known.rights.get(ANNA, VIDEO) is None


def test_without_a_heartbeat_what_is_kept_holds_for_a_while_and_nothing_new_is_kept() -> None:
    known = Known()
    new = Resource(kind=access_pb2.RESOURCE_KIND_VIDEO, id="3")
    known.now_s += QUIET_S + 0.1
    known.rights.put(ANNA, new, 7, known.rights.generation)
    assert known.rights.get(ANNA, new) is None
    assert known.rights.get(ANNA, VIDEO) == 7
    known.now_s += BELIEVED_S - 0.2
    assert known.rights.get(ANNA, VIDEO) == 7
    assert not known.rights.lost
    known.now_s += 0.2
    assert known.rights.get(ANNA, VIDEO) is None
    assert known.rights.lost
    known.rights.heard()
    assert known.rights.get(ANNA, VIDEO) == 7


def test_a_heartbeat_alone_is_no_change() -> None:
    known = Known()
    before = known.rights.generation
    assert not known.rights.heard()
    assert known.rights.generation == before


def test_an_ended_session_is_remembered_longer_than_its_tokens_last() -> None:
    known = Known()
    assert known.rights.heard(sessions=["s1"])
    assert not known.rights.heard(sessions=["s1"])
    known.now_s += ENDED_S
    known.rights.heard()
    assert known.rights.ended("s1")
    known.now_s += 1
    known.rights.heard()
    assert not known.rights.ended("s1")


def test_what_is_kept_of_a_person_is_bounded() -> None:
    known = Known()
    for number in range(10, 10 + MAX_EACH):
        resource = Resource(kind=access_pb2.RESOURCE_KIND_VIDEO, id=str(number))
        known.rights.put(ANNA, resource, 1, known.rights.generation)
    assert known.rights.get(ANNA, VIDEO) is None
    assert known.rights.get(BERT, VIDEO) == 7


def test_names_are_dropped_with_their_people() -> None:
    known = Known()
    known.rights.put_name("anna", "Anna")
    assert known.rights.name("anna") == "Anna"
    known.rights.heard(people=["anna"])
    assert known.rights.name("anna") is None


def test_a_version_holds_until_something_changed_or_nothing_is_believed() -> None:
    known = Known()
    version = known.rights.version
    known.rights.heard()
    known.rights.put(ANNA, VIDEO, 7, known.rights.generation)
    assert known.rights.version == version >= 0
    changes: list[dict[str, list[object]]] = [{"people": ["anna"]}, {"resources": [VIDEO]}, {"sessions": ["s1"]}]
    for change in changes:
        known.rights.heard(**change)  # type: ignore[arg-type]
        assert known.rights.version > version
        version = known.rights.version
    known.now_s += QUIET_S + BELIEVED_S + 0.1
    assert known.rights.version < 0
