"""The committed vectors are those that the seeds give: nobody has edited them, and the rules have not changed."""

import json

from tests.vectors.generate import FOLDER, files


def test_the_committed_vectors_are_the_generated_ones() -> None:
    made = files()
    for name, content in made.items():
        assert (FOLDER / name).read_text("utf-8") == content, f"{name}: see tests/vectors/README.md"
    assert sum(len(content.encode()) for content in made.values()) < 2_000_000


def test_the_vectors_hold_every_kind_of_thing() -> None:
    folded = [step for entry in json.loads((FOLDER / "apply.json").read_text("utf-8")) for step in entry["steps"]]
    assert {step["kind"] for step in folded} == {"applied", "refused", "duplicate", "ignored"}
    steps = [step for entry in json.loads((FOLDER / "pending.json").read_text("utf-8")) for step in entry["steps"]]
    calls = {step["call"] for step in steps}
    assert calls >= {"connect", "receive", "poll", "submit", "editText", "undo", "redo", "dump", "load", "resendDoubt"}
    events = {event["event"] for step in steps for event in step.get("events", ())}
    assert events >= {"Opened", "Changed", "Saved", "Dropped", "InDoubt", "Reconnect", "TextMoved", "UndoVoid"}
