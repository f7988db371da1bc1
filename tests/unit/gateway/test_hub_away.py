"""The hub while the stream behind it is away, and once it is back."""

import pytest
from google.rpc import code_pb2, error_details_pb2

from gateway.core import hub as hub_module
from gateway.core.viewer import MERGED
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import relay_service_pb2 as relay
from rushes.type.v1 import access_pb2
from tests.unit.gateway.hub_rig import CLIENT, INTERNAL, Rig, said


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.opened()
    return rig


def test_when_the_stream_breaks_browsers_stay_and_are_asked_to_send_again(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.commit(1)
    rig.do(rig.hub.lost(rig.now))
    rig.asked()
    rig.opened(epoch=1, revision=2)
    wants = [request.want for request in rig.upstream if request.WhichOneof("message") == "want"]
    assert [want.since_revision for want in wants] == [1]
    rig.attached(viewer)
    assert said(rig.sent[viewer.session][-1]).HasField("resend")
    frame = rig.commit(2)
    assert rig.sent[viewer.session][-1] == frame
    assert not rig.ends


@pytest.mark.parametrize(("before", "now"), [(INTERNAL, CLIENT), (CLIENT, INTERNAL)], ids=["fewer", "more"])
@pytest.mark.parametrize("epoch", [1, 2], ids=["same log", "another log"])
def test_who_may_read_other_notes_once_the_stream_is_back_opens_anew(
    rig: Rig, before: "access_pb2.Audience.ValueType", now: "access_pb2.Audience.ValueType", epoch: int
) -> None:
    viewers = [rig.join(resume=0), rig.join(resume=0)]
    for viewer in viewers:
        rig.attached(viewer, before)
    rig.do(rig.hub.lost(rig.now))
    rig.opened(epoch=epoch, revision=1)
    heard = len(rig.sent[viewers[0].session])
    rig.asked()
    rig.attached(viewers[0], now)
    rig.attached(viewers[1], before)
    info = error_details_pb2.ErrorInfo()
    assert list(rig.ends) == [viewers[0].session]
    assert rig.ends[viewers[0].session].details[0].Unpack(info)
    assert (rig.ends[viewers[0].session].code, info.reason) == (code_pb2.ABORTED, "AUDIENCE_CHANGED")
    assert "detach_session" in rig.asked()
    rig.commit(1)
    assert len(rig.sent[viewers[0].session]) == heard, "nothing more goes to who has gone"


@pytest.mark.parametrize("now", [INTERNAL, CLIENT, None], ids=["as before", "fewer", "none"])
def test_until_it_is_told_what_a_viewer_may_read_now_it_gets_nothing(
    rig: Rig, now: "access_pb2.Audience.ValueType | None"
) -> None:
    viewer, other = rig.live(0), rig.live(0)
    rig.commit(1)
    rig.do(rig.hub.lost(rig.now))
    rig.opened()
    rig.attached(other)
    rig.sent[viewer.session].clear()
    written = [rig.commit(2), rig.commit(3)]
    rig.do(rig.hub.left(viewer.session, 0, rig.now))
    rig.do(rig.hub.tick(rig.now))
    assert rig.sent[other.session][-2:] == written
    assert not rig.sent[viewer.session]
    if now is None:
        rig.say(ended=relay.RelayEnded(session=viewer.session))
    else:
        rig.attached(viewer, now)
    written.append(rig.commit(4))
    assert rig.sent[viewer.session][2:] == (written if now == INTERNAL else [])
    assert (viewer.session in rig.ends) == (now != INTERNAL)


def test_a_snapshot_waits_for_what_its_viewer_may_read_too(rig: Rig) -> None:
    viewer = rig.join()
    rig.attached(viewer)
    rig.do(rig.hub.lost(rig.now))
    rig.opened()
    parts = rig.snapshot(3)
    assert not set(parts) & set(rig.sent[viewer.session])
    rig.attached(viewer)
    assert rig.sent[viewer.session][-2:] == parts


def test_who_was_behind_when_the_stream_broke_is_still_sent_to_at_its_own_pace(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.hub.congested(viewer.session, rig.now)
    rig.do(rig.hub.left(viewer.session, hub_module.LOW_BYTES, rig.now))
    rig.do(rig.hub.lost(rig.now))
    rig.opened()
    frame = rig.commit(1)
    rig.attached(viewer)
    assert frame not in rig.sent[viewer.session]
    rig.do(rig.hub.left(viewer.session, 0, rig.now))
    assert rig.sent[viewer.session][-1] == frame


def test_what_has_left_the_cache_meanwhile_cuts_who_was_to_go_on_there(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = rig.live(0)
    rig.do(rig.hub.lost(rig.now))
    rig.opened()
    monkeypatch.setattr("gateway.core.lane.MAX_REVISIONS", 1)
    for revision in range(1, 4):
        rig.commit(revision)
    rig.attached(viewer)
    assert viewer.session in rig.ends


def test_who_may_do_something_else_once_the_stream_is_back_is_told_so(rig: Rig) -> None:
    viewer = rig.live(0)
    for epoch, then in ((1, "resend"), (2, "reset")):
        rig.do(rig.hub.lost(rig.now))
        rig.opened(epoch=epoch)
        opened = service.CollaborateOpened(permissions=7 + epoch)
        rig.attached(viewer, opened=service.CollaborateResponse(opened=opened).SerializeToString())
        rights, after = map(said, rig.sent[viewer.session][-2:])
        assert (rights.rights.permissions, after.WhichOneof("message")) == (7 + epoch, then)


def test_viewers_are_held_for_a_while_and_then_come_back_one_after_the_other(rig: Rig) -> None:
    viewers = [rig.live(0) for _ in range(4)]
    rig.now = 100.0
    rig.do(rig.hub.lost(rig.now))
    rig.now += hub_module.AWAY_S - 1
    late = rig.join(resume=0)
    rig.do(rig.hub.lost(rig.now))  # a try that failed, too
    rig.do(rig.hub.tick(rig.now))
    assert not rig.ends
    rig.now += 2
    rig.do(rig.hub.tick(rig.now))
    assert list(rig.ends) == [viewer.session for viewer in viewers]
    assert {status.code for status in rig.ends.values()} == {code_pb2.UNAVAILABLE}
    delays = [error_details_pb2.RetryInfo() for _ in viewers]
    assert all(status.details[1].Unpack(delay) for status, delay in zip(rig.ends.values(), delays, strict=True))
    waits_ms = [delay.retry_delay.ToMilliseconds() for delay in delays]
    assert waits_ms == sorted(set(waits_ms)), "each at a time of its own"
    rig.asked()
    rig.opened()
    attached = [request.attach.session for request in rig.upstream if request.HasField("attach")]
    assert attached == [late.session], "who came later is still there"
    rig.now += hub_module.AWAY_S * 9
    rig.do(rig.hub.tick(rig.now))
    assert late.session not in rig.ends


def test_two_thousand_who_come_back_at_once_cost_the_service_one_lane(rig: Rig) -> None:
    viewers = [rig.join(resume=100 + at % 40) for at in range(2_000)]
    for viewer in viewers:
        rig.attached(viewer)
    assert rig.asked().count("want") == 1
    frames = [rig.commit(revision) for revision in range(1, 151)]
    assert rig.asked() == []
    for at, viewer in enumerate(viewers):
        assert rig.sent[viewer.session][1:] == frames[100 + at % 40 :]


def test_a_viewer_that_joins_while_the_stream_is_away_is_attached_when_it_is_back() -> None:
    rig = Rig()
    viewer = rig.join()
    assert rig.asked() == []
    rig.opened()
    assert rig.asked() == ["attach"]
    rig.attached(viewer)
    assert rig.asked() == ["want"]


def test_a_snapshot_lost_with_the_stream_is_asked_for_again(rig: Rig) -> None:
    viewer = rig.join()
    rig.attached(viewer)
    rig.do(rig.hub.lost(rig.now))
    rig.asked()
    rig.opened()
    assert "want" in rig.asked()
    rig.attached(viewer)
    parts = rig.snapshot(3)
    assert rig.sent[viewer.session][-2:] == parts


def test_the_crowd_is_what_was_told_last_and_nothing_once_the_stream_is_lost(rig: Rig) -> None:
    rig.hub.receive(relay.RelayResponse(crowd=relay.RelayCrowd(viewers=7, gateways=2)), 0.0)
    assert (rig.hub.crowd.viewers, rig.hub.crowd.gateways) == (7, 2)
    rig.hub.lost(rig.now)
    assert not rig.hub.crowd.gateways


def test_a_renewed_token_goes_on_now_or_with_the_next_stream(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.asked()
    rig.do(rig.hub.token(viewer.session, "second"))
    assert [(each.token.session, each.token.token) for each in rig.upstream] == [(viewer.session, "second")]
    rig.do(rig.hub.lost(rig.now))
    rig.asked()
    rig.do(rig.hub.token(viewer.session, "third"))
    assert rig.asked() == []
    rig.opened()
    assert [each.attach.token for each in rig.upstream if each.HasField("attach")] == ["third"]


def test_who_leaves_while_the_stream_is_away_is_not_attached_to_the_next(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.do(rig.hub.lost(rig.now))
    rig.asked()
    rig.do(rig.hub.leave(viewer.session))
    assert rig.asked() == []
    rig.opened()
    assert "attach" not in rig.asked()


def test_a_viewer_of_merged_states_is_served_from_them_by_the_next_stream_too(rig: Rig) -> None:
    viewer = rig.join(delivery=MERGED)
    rig.attached(viewer)
    rig.snapshot(1, delivery=MERGED)
    rig.do(rig.hub.lost(rig.now))
    rig.asked()
    assert rig.hub.opening().open == relay.RelayOpen(video_id=7, epoch=1)
    rig.opened()
    assert [request.serve.delivery for request in rig.upstream if request.HasField("serve")] == [MERGED]
