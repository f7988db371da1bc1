"""Undo and redo of one's own batches."""

import pytest

from rushes.document.pending_event import UndoVoid
from rushes.document.replica import Replica
from rushes.document.undo import DEPTH, Entry, Stack
from tests.unit.rushes.builder import (
    A,
    B,
    audience,
    color,
    create,
    deleted,
    edit,
    fields,
    frames,
    internal,
    link,
    move,
    resize,
    resolved,
    restore,
    tag,
)
from tests.unit.rushes.desk import Desk
from tests.unit.rushes.simulated_peer import look


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.do(create(A, text="hello"))
    made.settle()
    return made


def pictures(desk: Desk) -> list[bytes]:
    return [look(state) for state in desk.client.screen.annotations]


ACTIONS = [
    [move(A, 5, 5)],
    [resize(A, left=-9, bottom=9)],
    [fields(A, color(5), frames(1, 2), tag("x"), link("a1"), resolved())],
    [edit(A, ["oh ", -2, 3, "!"])],
    [deleted(A)],
    [create(B, text="b"), move(B, 1, 1), edit(B, [1, "c"])],
    [fields(A, color(number)) for number in range(45)],
    [edit(A, ["x", 5]), move(A, 3, 3), deleted(A)],
]


@pytest.mark.parametrize("number", range(len(ACTIONS)))
def test_undo_gives_back_what_was_and_redo_what_was_done(desk: Desk, number: int) -> None:
    before = pictures(desk)
    desk.do(*ACTIONS[number])
    desk.settle()
    done = pictures(desk)
    for _ in range(2):
        desk.undo()
        desk.settle()
        shown = [state for state in desk.client.screen.annotations if not state.annotation.deleted]
        if len(before) == len(done):
            assert pictures(desk) == before
        else:
            assert [look(state) for state in shown] == before
        desk.redo()
        desk.settle()
        assert pictures(desk) == done


def test_undoing_everything_and_redoing_it_leads_there_and_back(desk: Desk) -> None:
    before = pictures(desk)
    steps = [before]
    for action in ACTIONS[:5]:
        desk.do(*action)
        desk.settle()
        steps.append(pictures(desk))
    for want in reversed(steps[:-1]):
        desk.undo()
        desk.settle()
        assert pictures(desk) == want
    for want in steps[1:]:
        desk.redo()
        desk.settle()
        assert pictures(desk) == want


def test_undo_waits_while_anything_is_pending(desk: Desk) -> None:
    desk.do(move(A, 5, 5))
    desk.undo()
    assert (desk.client.waiting, desk.place(A)) == (1, (5, 5))
    desk.settle()
    assert (desk.client.waiting, desk.place(A)) == (0, (100, -200))


def test_a_new_operation_forgets_the_undo_that_waits_and_the_redo(desk: Desk) -> None:
    desk.do(move(A, 5, 5))
    desk.settle()
    desk.undo()
    desk.settle()
    assert desk.client.can_redo
    desk.do(move(A, 6, 6))
    assert not desk.client.can_redo
    desk.undo()
    desk.do(move(A, 7, 7))
    desk.settle()
    assert desk.place(A) == (7, 7)


def test_an_undo_in_flight_cannot_be_redone_after_a_new_operation(desk: Desk) -> None:
    desk.do(move(A, 5, 5))
    desk.settle()
    desk.undo()
    desk.do(fields(A, color(1)))
    desk.settle()
    assert not desk.client.can_redo


def test_what_others_changed_since_is_not_undone(desk: Desk) -> None:
    desk.do(fields(A, color(5)), move(A, 5, 5))
    desk.settle()
    desk.do(fields(A, color(6)), who=desk.other)
    desk.settle()
    desk.undo()
    desk.settle()
    state = desk.client.screen.get(A)
    assert state is not None
    assert state.annotation.style.color == 6
    assert desk.place(A) == (100, -200)


def test_an_undo_of_which_nothing_is_left_is_said_to_be_void(desk: Desk) -> None:
    desk.do(fields(A, color(5)))
    desk.settle()
    desk.do(fields(A, color(6)), who=desk.other)
    desk.settle()
    assert desk.client.undo(0.0) == [UndoVoid()]


def test_there_is_nothing_to_undo_twice(desk: Desk) -> None:
    desk.undo()
    desk.settle()
    assert desk.client.undo(0.0) == [UndoVoid()]
    assert desk.client.redo(0.0) != [UndoVoid()]


def test_text_is_undone_round_what_others_typed(desk: Desk) -> None:
    desk.edit(A, "hello you")
    desk.settle()
    for text in ("oh, hello you", "oh, hello you!", "oh, hello dear you!"):
        desk.edit(A, text, who=desk.other)
        desk.settle()
    desk.undo()
    desk.settle()
    assert desk.text(A) == "oh, hellodear !"
    desk.redo()
    desk.settle()
    assert desk.text(A) == "oh, hello dear you!"


def test_a_publication_is_not_taken_back(desk: Desk) -> None:
    desk.do(internal(B))
    desk.settle()
    desk.do(fields(B, audience(), color(5)))
    desk.settle()
    desk.undo()
    desk.settle()
    state = desk.client.screen.get(B)
    assert state is not None
    assert state.annotation.audience == 2
    assert state.annotation.style.color == 0xFF0000


def test_only_ones_own_batches_are_undone(desk: Desk) -> None:
    desk.do(move(A, 5, 5), who=desk.other)
    desk.settle()
    desk.undo()
    desk.settle()
    state = desk.client.screen.get(A)
    assert state is not None
    assert state.annotation.deleted
    assert desk.place(A) == (5, 5)


def test_what_is_not_there_any_more_is_not_undone() -> None:
    stack = Stack()
    stack.push(Entry(1, []))
    assert stack.pop() is None
    gone = restore(B, color(1), made=2, stamp=1)
    stack.push(Entry(2, [gone], {A: [1, "x"]}))
    stack.move_past(A, [5])
    entry = stack.pop()
    assert entry is not None
    assert entry.edits == {}
    assert entry.operations(Replica()) == []


def test_a_stack_keeps_the_last_two_hundred() -> None:
    stack = Stack()
    for action in range(DEPTH + 5):
        stack.push(Entry(action, [restore(A, color(1), made=2, stamp=1)]))
    assert [stack.entries[0].action, len(stack.entries)] == [5, DEPTH]


def test_batches_of_one_action_are_undone_together() -> None:
    stack = Stack()
    stack.push(Entry(1, [], {A: [2, -1]}))
    stack.move_past(A, [3, "b"])
    stack.push(Entry(1, [], {A: [3, -1], B: [-1]}))
    assert [entry.edits for entry in stack.entries] == [{A: [2, -2], B: [-1]}]
