"""The hub: joins, resumes, fan-out, laggards, lost streams, lanes."""

from collections.abc import Sequence

import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

from gateway.core import hub as hub_module
from gateway.core.hub import Hub
from gateway.core.lane import Lane
from gateway.core.socket import message_frame
from gateway.core.viewer import FULL, MERGED, Action, End, Send, State, Upstream, Viewer
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import relay_service_pb2 as relay
from rushes.type.v1 import access_pb2

INTERNAL = access_pb2.AUDIENCE_INTERNAL
CLIENT = access_pb2.AUDIENCE_CLIENT
OPENED = service.CollaborateResponse(opened=service.CollaborateOpened(permissions=5)).SerializeToString()


class Rig:
    """A hub with what it said, and short words for what its upstream says."""

    def __init__(self, *, merge_bytes_s: int = 10**9) -> None:
        self.hub = Hub(7, merge_bytes_s=merge_bytes_s)
        self.now = 0.0
        self.sent: dict[int, list[bytes]] = {}
        self.ends: dict[int, status_pb2.Status] = {}
        self.upstream: list[relay.RelayRequest] = []

    def do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                for session in action.sessions:
                    self.sent.setdefault(session, []).append(action.frame)
            elif isinstance(action, End):
                self.ends[action.session] = action.status
            elif isinstance(action, Upstream):
                self.upstream.append(action.request)

    def say(self, **message: object) -> None:
        self.do(self.hub.receive(relay.RelayResponse(**message), self.now))  # type: ignore[arg-type]

    def opened(self, epoch: int = 1, revision: int = 0) -> None:
        self.say(opened=relay.RelayOpened(epoch=epoch, revision=revision))

    def join(self, resume: int | None = None, delivery: "service.Delivery.ValueType" = FULL, epoch: int = 1) -> Viewer:
        opening = service.CollaborateOpen(video_id=7, delivery=delivery, epoch=epoch)
        if resume is not None:
            opening.resume_revision = resume
        viewer, actions = self.hub.join(opening, "token", self.now)
        self.do(actions)
        return viewer

    def attached(
        self, viewer: Viewer, audience: "access_pb2.Audience.ValueType" = INTERNAL, opened: bytes = OPENED
    ) -> None:
        self.say(attached=relay.RelayAttached(session=viewer.session, audience=audience, opened=opened))

    def commit(
        self, revision: int, size: int = 1, delivery: "service.Delivery.ValueType" = FULL, since: int | None = None
    ) -> bytes:
        response = f"{delivery}:{revision}".encode() + b"." * size
        lane = relay.Lane(audience=INTERNAL, delivery=delivery)
        before = revision - 1 if since is None else since
        self.say(
            broadcast=relay.RelayBroadcast(lane=lane, from_revision=before, to_revision=revision, response=response)
        )
        return message_frame(response)

    def snapshot(self, revision: int, parts: int = 2, delivery: "service.Delivery.ValueType" = FULL) -> list[bytes]:
        lane = relay.Lane(audience=INTERNAL, delivery=delivery)
        frames = []
        for index in range(parts):
            response = f"snapshot {revision} {index}".encode()
            frames.append(message_frame(response))
            self.say(
                snapshot=relay.RelaySnapshot(
                    lane=lane, revision=revision, index=index, last=index == parts - 1, response=response
                )
            )
        return frames

    def live(self, revision: int = 0) -> Viewer:
        """A viewer that has everything up to a revision."""
        viewer = self.join(resume=revision)
        self.attached(viewer)
        self.sent[viewer.session].clear()
        return viewer

    def asked(self) -> list[str]:
        kinds = [str(request.WhichOneof("message")) for request in self.upstream]
        self.upstream.clear()
        return kinds


def said(frame: bytes) -> service.CollaborateResponse:
    head = 2 if frame[1] < 126 else 4
    return service.CollaborateResponse.FromString(frame[head + 5 :])


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.opened()
    return rig


def test_a_new_viewer_gets_opened_then_the_snapshot_then_what_came_after(rig: Rig) -> None:
    viewer = rig.join()
    rig.attached(viewer, opened=b"hello")
    assert rig.asked() == ["attach", "want"]
    parts = rig.snapshot(5)
    later = rig.commit(6)
    assert rig.sent[viewer.session] == [message_frame(b"hello"), *parts, later]


def test_a_second_viewer_is_served_from_the_cache_alone(rig: Rig) -> None:
    first = rig.join()
    rig.attached(first)
    parts = rig.snapshot(5)
    commits = [rig.commit(6), rig.commit(7)]
    rig.asked()
    second = rig.join()
    rig.attached(second, opened=b"second")
    assert rig.asked() == ["attach"]
    assert rig.sent[second.session] == [message_frame(b"second"), *parts, *commits]


def test_a_resumed_viewer_gets_only_what_it_lacks(rig: Rig) -> None:
    rig.live(0)
    commits = [rig.commit(revision) for revision in range(1, 6)]
    viewer = rig.join(resume=3)
    rig.attached(viewer)
    assert rig.sent[viewer.session][1:] == commits[3:]


def test_a_viewer_ahead_of_this_gateway_waits_for_what_is_new_to_it(rig: Rig) -> None:
    rig.live(0)
    rig.commit(1)
    ahead = rig.join(resume=4)
    rig.attached(ahead)
    rig.sent[ahead.session].clear()
    overlapping = rig.commit(5, since=1)
    assert rig.sent[ahead.session] == [overlapping]


def test_a_resume_older_than_the_cache_is_told_so_and_gets_a_snapshot(rig: Rig) -> None:
    rig.live(1000)
    rig.commit(1001, since=1000)
    viewer = rig.join(resume=3)
    rig.attached(viewer)
    parts = rig.snapshot(1001)
    frames = rig.sent[viewer.session]
    assert said(frames[1]).reset.reason == service.RESET_REASON_COMPACTED
    assert frames[2:] == parts


def test_a_resume_of_another_epoch_counts_for_nothing(rig: Rig) -> None:
    viewer = rig.join(resume=3, epoch=99)
    rig.attached(viewer)
    parts = rig.snapshot(9)
    assert rig.sent[viewer.session][1:] == parts


def test_a_broadcast_goes_to_all_viewers_as_the_same_bytes(rig: Rig) -> None:
    viewers = [rig.live(0) for _ in range(5)]
    frame = rig.commit(1)
    assert all(rig.sent[viewer.session] == [frame] for viewer in viewers)
    assert len({id(rig.sent[viewer.session][0]) for viewer in viewers}) == 1


def test_a_viewer_whose_socket_is_full_costs_a_place_in_the_cache_and_catches_up(rig: Rig) -> None:
    slow, quick = rig.live(0), rig.live(0)
    first = rig.commit(1)
    rig.hub.congested(slow.session, rig.now)
    rest = [rig.commit(revision) for revision in range(2, 6)]
    assert rig.sent[slow.session] == [first]
    assert rig.sent[quick.session] == [first, *rest]
    rig.do(rig.hub.left(slow.session, 0, rig.now))
    assert rig.sent[slow.session] == [first, *rest]
    assert slow.state is State.LIVE


def test_catching_up_goes_in_pieces(rig: Rig) -> None:
    slow = rig.live(0)
    rig.hub.congested(slow.session, rig.now)
    for revision in range(1, 6):
        rig.commit(revision, size=hub_module.CATCH_UP_BYTES // 2)
    rig.do(rig.hub.left(slow.session, 0, rig.now))
    assert len(rig.sent[slow.session]) == 2
    assert list(rig.hub.behind()) == [slow.session]


def test_a_viewer_that_does_not_read_is_cut_with_where_to_resume(rig: Rig) -> None:
    slow = rig.live(0)
    rig.commit(1)
    rig.hub.ack(slow.session, 1, rig.now)
    rig.hub.congested(slow.session, rig.now)
    rig.now += hub_module.SLOW_S + 1
    rig.do(rig.hub.tick(rig.now))
    status = rig.ends[slow.session]
    assert status.code == code_pb2.RESOURCE_EXHAUSTED
    assert b"resume_revision" in status.details[0].value
    assert "detach_session" in rig.asked()


def test_a_viewer_that_reads_slowly_is_not_cut_for_it(rig: Rig) -> None:
    slow = rig.live(0)
    rig.hub.congested(slow.session, rig.now)
    rest = [rig.commit(revision, size=hub_module.CATCH_UP_BYTES) for revision in range(1, 4)]
    left_bytes = 10 * hub_module.CATCH_UP_BYTES
    while slow.state is State.BEHIND:
        left_bytes -= hub_module.LOW_BYTES
        sent = len(rig.sent[slow.session])
        rig.do(rig.hub.left(slow.session, left_bytes, rig.now))
        left_bytes += sum(map(len, rig.sent[slow.session][sent:]))
        rig.now += hub_module.SLOW_S - 1
        rig.do(rig.hub.tick(rig.now))
        assert slow.session not in rig.ends
    assert rig.sent[slow.session] == rest


def test_a_viewer_that_stops_reading_in_the_middle_is_cut(rig: Rig) -> None:
    slow = rig.live(0)
    rig.hub.congested(slow.session, rig.now)
    rig.commit(1)
    for left_bytes in (900_000, 800_000, 800_000):
        rig.do(rig.hub.left(slow.session, left_bytes, rig.now))
        rig.now += hub_module.SLOW_S - 1
        rig.do(rig.hub.tick(rig.now))
        assert slow.session not in rig.ends or left_bytes == 800_000
    assert slow.session in rig.ends


def test_a_viewer_that_the_kernel_reads_for_is_found_by_its_acknowledgements(rig: Rig) -> None:
    viewer = rig.live(0)
    for _ in range(2):
        rig.commit(hub_module.UNACKED_REVISIONS + 1, since=0)
        rig.do(rig.hub.tick(rig.now))
        assert viewer.session not in rig.ends
        rig.now += hub_module.SLOW_S - 10
    rig.do(rig.hub.tick(rig.now))
    assert viewer.session in rig.ends


def test_one_who_acknowledges_is_not_cut(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.commit(hub_module.UNACKED_REVISIONS + 1, since=0)
    rig.hub.ack(viewer.session, hub_module.UNACKED_REVISIONS + 1, rig.now)
    rig.now += 1000
    rig.do(rig.hub.tick(rig.now))
    assert not rig.ends


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


def test_another_epoch_resets_everybody_to_a_snapshot(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.commit(1)
    rig.do(rig.hub.lost(rig.now))
    rig.opened(epoch=2)
    rig.attached(viewer)
    parts = rig.snapshot(0)
    frames = rig.sent[viewer.session]
    reset = said(frames[-3]).reset
    assert (reset.reason, reset.epoch) == (service.RESET_REASON_EPOCH, 2)
    assert frames[-2:] == parts


def test_a_lane_that_cannot_go_on_begins_anew_from_a_snapshot(rig: Rig) -> None:
    viewer = rig.live(5)
    reset = service.Reset(reason=service.RESET_REASON_COMPACTED, epoch=1)
    rig.asked()
    rig.say(reset=relay.RelayReset(lane=relay.Lane(audience=INTERNAL, delivery=FULL), reset=reset))
    assert rig.asked() == ["want"]
    parts = rig.snapshot(900)
    assert said(rig.sent[viewer.session][0]).reset.reason == service.RESET_REASON_COMPACTED
    assert rig.sent[viewer.session][1:] == parts


def test_a_refusal_waits_until_its_revision_was_sent(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.say(addressed=relay.RelayAddressed(sessions=[viewer.session], response=b"refused", after_revision=2))
    first = rig.commit(1)
    assert rig.sent[viewer.session] == [first]
    second = rig.commit(2)
    assert rig.sent[viewer.session] == [first, second, message_frame(b"refused")]


def test_presence_is_not_sent_to_who_is_behind(rig: Rig) -> None:
    slow, quick = rig.live(0), rig.live(0)
    rig.hub.congested(slow.session, rig.now)
    addressed = relay.RelayAddressed(sessions=[slow.session, quick.session], response=b"here", droppable=True)
    rig.say(addressed=addressed)
    assert rig.sent[quick.session] == [message_frame(b"here")]
    assert rig.sent[slow.session] == []


def test_a_session_ended_by_the_service_ends(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.say(ended=relay.RelayEnded(session=viewer.session, status=status_pb2.Status(code=16)))
    assert rig.ends[viewer.session].code == 16
    rig.commit(1)
    assert rig.sent[viewer.session] == []


def test_audiences_have_lanes_of_their_own(rig: Rig) -> None:
    inside, guest = rig.live(0), rig.join(resume=0)
    rig.attached(guest, audience=CLIENT)
    rig.sent[guest.session].clear()
    frame = rig.commit(1)
    assert rig.sent[inside.session] == [frame]
    assert rig.sent[guest.session] == []


def test_past_the_budget_auto_viewers_are_served_merged_states_and_come_back(rig: Rig) -> None:
    rig = Rig(merge_bytes_s=1000)
    rig.opened()
    auto, full = rig.join(resume=0, delivery=service.DELIVERY_AUTO), rig.join(resume=0)
    rig.attached(auto)
    rig.attached(full)
    rig.do(rig.hub.tick(0.0))
    rig.commit(1, size=5000)
    rig.asked()
    rig.do(rig.hub.tick(1.0))
    assert rig.asked() == [], "not before it is known that it would be less"
    rig.say(crowd=relay.RelayCrowd(viewers=2, gateways=1, merging_saves=True))
    rig.commit(2, size=5000)
    rig.do(rig.hub.tick(2.0))
    assert rig.asked() == ["want", "serve"]
    rig.commit(3, delivery=MERGED)
    assert auto.serving == FULL
    rig.attached(auto, opened=b"")
    both = rig.commit(3)
    merged = rig.commit(4, delivery=MERGED, since=3)
    assert auto.serving == MERGED
    assert rig.sent[auto.session][-2:] == [both, merged]
    fourth = rig.commit(4)
    assert rig.sent[full.session][-1] == fourth
    assert rig.sent[auto.session][-1] == merged
    for second in range(3, 15):
        rig.do(rig.hub.tick(float(second)))
    assert rig.asked() == ["serve"]
    rig.attached(auto, opened=b"")
    fifth = rig.commit(5)
    assert auto.serving == FULL
    assert rig.sent[auto.session][-1] == fifth


def test_who_is_served_merged_states_gets_every_commit_again_once_they_are_no_smaller(rig: Rig) -> None:
    rig = Rig(merge_bytes_s=1000)
    rig.opened()
    auto = rig.join(resume=0, delivery=service.DELIVERY_AUTO)
    rig.attached(auto)
    rig.say(crowd=relay.RelayCrowd(merging_saves=True))
    rig.do(rig.hub.tick(0.0))
    rig.commit(1, size=5000)
    rig.do(rig.hub.tick(1.0))
    rig.attached(auto, opened=b"")
    rig.commit(2, delivery=MERGED, since=1)
    assert auto.serving == MERGED
    rig.asked()
    rig.say(crowd=relay.RelayCrowd(merging_saves=False))
    for second in range(2, 14):
        rig.commit(second, size=5000)
        rig.do(rig.hub.tick(float(second)))
    assert rig.asked() == ["serve"]


def test_a_lane_without_viewers_is_given_back(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.do(rig.hub.leave(viewer.session))
    rig.do(rig.hub.tick(1.0))
    rig.asked()
    rig.do(rig.hub.tick(2.0 + hub_module.LANE_IDLE_S))
    assert rig.asked() == ["unwant"]


def test_a_lanes_cache_is_bounded_and_its_old_snapshot_no_longer_used() -> None:
    lane = Lane((INTERNAL, FULL))
    part = relay.RelaySnapshot(revision=0, index=0, last=True, response=b"s")
    assert lane.snapshot_part(part)
    for revision in range(1, 12_001):
        lane.broadcast(relay.RelayBroadcast(from_revision=revision - 1, to_revision=revision, response=b"x"))
    assert lane.usable_snapshot() is None
    assert not lane.resumes(1_999)
    assert lane.resumes(2_000)
    assert len(list(lane.since(2_000))) == 10_000


def test_a_broadcast_with_a_hole_before_it_is_not_taken() -> None:
    lane = Lane((INTERNAL, FULL))
    lane.begin(5)
    assert lane.broadcast(relay.RelayBroadcast(from_revision=7, to_revision=8, response=b"x")) is None


def test_snapshot_parts_out_of_order_are_not_a_snapshot() -> None:
    lane = Lane((INTERNAL, FULL))
    lane.snapshot_part(relay.RelaySnapshot(revision=1, index=0, response=b"a"))
    assert not lane.snapshot_part(relay.RelaySnapshot(revision=2, index=1, last=True, response=b"b"))
    assert lane.usable_snapshot() is None


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


def test_what_is_said_of_who_has_gone_means_nothing(rig: Rig) -> None:
    stays, gone = rig.live(0), rig.live(0)
    rig.do(rig.hub.leave(gone.session))
    assert rig.asked()[-1] == "detach_session"
    rig.do(rig.hub.leave(gone.session))
    rig.do(rig.hub.token(gone.session, "late"))
    rig.hub.congested(gone.session, rig.now)
    rig.do(rig.hub.left(gone.session, 0, rig.now))
    rig.attached(gone)
    rig.say(ended=relay.RelayEnded(session=gone.session, status=status_pb2.Status(code=code_pb2.UNAVAILABLE)))
    rig.say(addressed=relay.RelayAddressed(sessions=[gone.session, stays.session], response=b"for both"))
    assert rig.asked() == []
    assert not rig.ends
    assert rig.sent[gone.session] == []
    assert rig.sent[stays.session] == [message_frame(b"for both")]


def test_who_leaves_while_the_stream_is_away_is_not_attached_to_the_next(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.do(rig.hub.lost(rig.now))
    rig.asked()
    rig.do(rig.hub.leave(viewer.session))
    assert rig.asked() == []
    rig.opened()
    assert "attach" not in rig.asked()


def test_a_slow_reader_whose_place_the_cache_has_moved_past_is_cut(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.core.lane.MAX_REVISIONS", 10)
    slow = rig.live(0)
    rig.hub.congested(slow.session, rig.now)
    for revision in range(1, 40):
        rig.commit(revision)
    rig.do(rig.hub.left(slow.session, 0, rig.now))
    assert rig.ends[slow.session].code == code_pb2.RESOURCE_EXHAUSTED


def test_a_reset_that_names_no_lane_is_of_all(rig: Rig) -> None:
    full, merged = rig.live(3), rig.join(delivery=MERGED)
    rig.attached(merged)
    rig.asked()
    rig.say(reset=relay.RelayReset(reset=service.Reset(reason=service.RESET_REASON_COMPACTED, epoch=1)))
    assert rig.asked() == ["want", "want"]
    for viewer, delivery in ((full, FULL), (merged, MERGED)):
        assert rig.sent[viewer.session][-2:] != (parts := rig.snapshot(9, delivery=delivery))
        assert rig.sent[viewer.session][-2:] == parts


def test_a_viewer_of_merged_states_is_served_from_them_by_the_next_stream_too(rig: Rig) -> None:
    viewer = rig.join(delivery=MERGED)
    rig.attached(viewer)
    rig.snapshot(1, delivery=MERGED)
    rig.do(rig.hub.lost(rig.now))
    rig.asked()
    assert rig.hub.opening().open == relay.RelayOpen(video_id=7, epoch=1)
    rig.opened()
    assert [request.serve.delivery for request in rig.upstream if request.HasField("serve")] == [MERGED]
