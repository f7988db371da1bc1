"""The sheet of shortcuts, key by key: what each must do on a review page."""

from playwright.sync_api import expect

from tests.e2e.page import Reviewer

TOOLS = {
    "d": "Pen",
    "e": "Eraser",
    "t": "Text",
    "a": "Arrow",
    "b": "Rectangle",
    "c": "Ellipse",
    "w": "Line",
    "x": "Laser pointer",
    "v": "Select",
}
MODES = {"1": "a", "2": "b", "`": "a", "3": "side", "Shift+w": "wipe", "4": "overlay", "5": "difference"}


def playing(one: Reviewer, plays: bool) -> None:
    """Waits until it plays, or stands."""
    expect(one.button("Pause" if plays else "Play")).to_be_visible()


def going(one: Reviewer) -> None:
    """Keys that go somewhere, in a clip of 288 frames."""
    one.go(100)
    for key, frame in (
        ("ArrowLeft", 99),
        ("ArrowRight", 100),
        ("Shift+ArrowLeft", 95),
        ("Shift+ArrowRight", 100),
        ("Home", 0),
        ("End", 287),
    ):
        one.press(key)
        one.wait_frame(frame)
    one.go(100)
    for key, stops in (("Space", "Space"), ("l", "k"), ("j", "k")):
        one.press(key)
        playing(one, True)
        one.press(stops)
        playing(one, False)


def ranging(one: Reviewer) -> None:
    """In, out, and what happens at the end."""
    for key, name in (("i", "In point here"), ("o", "Out point here")):
        one.press(key)
        expect(one.button(name)).to_have_attribute("aria-pressed", "true")
    one.press("r")
    for name in ("In point here", "Out point here"):
        expect(one.button(name)).to_have_attribute("aria-pressed", "false")
    for name in ("Loop", "Ping-pong", "Play once"):
        one.press("Control+l")
        expect(one.button(name)).to_be_visible()


def drawing(one: Reviewer) -> None:
    """Tools, what is selected, undo and redo, ghosts and hold."""
    for key, name in TOOLS.items():
        one.press(key)
        expect(one.button(name)).to_have_attribute("aria-pressed", "true")
    one.go(110)
    one.press("b")
    one.drag((0.3, 0.3), (0.5, 0.6))
    one.inks((0.3, 0.45), 4)
    one.wait_status("saved", "resumed")
    for key, there in (("Delete", False), ("Control+z", True), ("Control+Shift+z", False), ("Control+z", True)):
        if key == "Delete":
            one.press("v", "Control+a")
        one.press(key)
        (one.inks if there else one.bare)((0.3, 0.45), 4)
        one.wait_status("saved", "resumed")
    for key, name in (("g", "See through to the frames around"), ("h", "Hold drawings until the next drawn frame")):
        for pressed in ("true", "false"):
            one.press(key)
            expect(one.button(name)).to_have_attribute("aria-pressed", pressed)


def writing(one: Reviewer) -> None:
    """A comment, a marker, and the way between them."""
    composer = one.page.get_by_test_id("composer")
    for key in ("n", ";"):
        one.press(key)
        expect(composer).to_be_focused()
        one.press("Escape")
        expect(composer).not_to_be_focused()
    one.go(120)
    one.press("m")
    expect(one.note("Marker")).to_have_count(1)
    one.go(130)
    one.press("n")
    one.page.keyboard.type("Keys do it")
    one.press("Alt+p")
    playing(one, True)
    one.press("Alt+p")
    playing(one, False)
    expect(composer).to_have_value("Keys do it")
    one.press("Control+Enter", "Escape")
    expect(one.note("Keys do it")).to_have_count(1)
    one.go(200)
    one.press(",", ",")
    one.wait_frame(120)
    one.press(",")
    one.wait_frame(110)
    one.press(".")
    one.wait_frame(120)


def looking(one: Reviewer) -> None:
    """The picture: fitting, the full screen, the other cut, the sheet."""
    one.point((0.5, 0.5))
    one.page.mouse.wheel(0, -300)
    expect(one.button("Zoom")).not_to_have_text("Fit")
    one.press("f")
    expect(one.button("Zoom")).to_have_text("Fit")
    one.press("Shift+f")
    one.page.wait_for_function("() => document.fullscreenElement !== null")
    one.press("Shift+f")
    one.page.wait_for_function("() => document.fullscreenElement === null")
    for key, mode in MODES.items():
        one.press(key)
        expect(one.page.get_by_test_id(f"mode-{mode}")).to_have_attribute("aria-pressed", "true")
    one.press("0")
    expect(one.page.get_by_test_id("compare-bar")).to_have_count(0)
    one.press("?")
    expect(one.page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    one.press("Escape")
    for key, cut in (("ArrowUp", "v2"), ("ArrowDown", "v3")):
        one.press(key)
        expect(one.button("Cuts")).to_have_text(cut)
        one.wait_ready()
