"""Five clients with cuts, duplicates, refusals, reloads and offline work end with one document."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL
from tests.unit.rushes.simulation import World

seeds = st.integers(0, 1 << 32)
NEVER = {"DIVERGED", "HOLE", "INVALID_SEEN", "INVALID_STAMP", "INVALID_BATCH", "STALE_TEXT"}


def run(world: World, steps: int) -> World:
    for _ in range(steps):
        world.step()
    world.settle()
    world.check()
    return world


def reasons(world: World) -> set[str]:
    return {reason for peer in world.peers for reason in peer.reasons}


@settings(max_examples=6, deadline=None)
@given(seeds)
def test_whatever_breaks_everybody_ends_with_one_document(seed: int) -> None:
    world = run(World(seed), 450)
    assert not reasons(world) & NEVER


@settings(max_examples=6, deadline=None)
@given(seeds)
def test_on_a_sound_stream_ones_own_batch_changes_nothing_on_the_screen(seed: int) -> None:
    world = run(World(seed, merged=False, faults=False), 500)
    assert not reasons(world) & (NEVER | {"TEXT_MISMATCH", "ALREADY_EXISTS", "UNKNOWN_CLIENT", "OUT_OF_ORDER"})


@settings(max_examples=6, deadline=None)
@given(seeds)
def test_all_type_at_one_place_and_nobodys_screen_jumps(seed: int) -> None:
    world = World(seed, merged=False, faults=False)
    for peer in world.peers:
        peer.typist = True
    run(world, 300)
    assert not reasons(world) & (NEVER | {"TEXT_MISMATCH", "ALREADY_EXISTS", "UNKNOWN_CLIENT", "OUT_OF_ORDER"})


@settings(max_examples=3, deadline=None)
@given(seeds)
def test_what_was_made_and_not_refused_is_there(seed: int) -> None:
    world = run(World(seed, faults=False), 400)
    for peer in world.peers:
        dropped = {each.create.annotation.id for each in peer.dropped if each.HasField("create")}
        for annotation_id in peer.created:
            assert (world.server.document.get(annotation_id) is None) == (annotation_id in dropped)


@settings(max_examples=1, deadline=None)
@given(seeds)
def test_a_seed_replays(seed: int) -> None:
    assert run(World(seed), 300).server.document.to_bytes() == run(World(seed), 300).server.document.to_bytes()


def test_the_guest_is_the_only_one_who_reads_as_a_client() -> None:
    assert [peer.audience for peer in World(1).peers] == [AUDIENCE_INTERNAL] * 4 + [AUDIENCE_CLIENT]
