"""Is the frame on the screen the one that was asked for? Steps, seeks and jumps on bar-coded clips, in Chromium.

`python -m benchmarks.frames [--quick]`: 100 times each on eight clips, quick: 25 times each on four. A line per clip.
The last line is {"wrong_frames": N, "checked": M}. A frame is right when the read-out says it and the bars are it.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from playwright.sync_api import Error, sync_playwright

from benchmarks.stack import running
from benchmarks.studio import Studio
from tests.clips import CINEMA, FILM, NTSC_DROP, NTSC_FAST, ODD_START, PAL, UHD, VARIABLE, Clip
from tests.e2e.page import Reviewer, chromium

ALL = (FILM, CINEMA, PAL, NTSC_DROP, NTSC_FAST, VARIABLE, ODD_START, UHD)
QUICK = (FILM, NTSC_DROP, NTSC_FAST, VARIABLE)
KEYS = {"ArrowRight": 1, "ArrowLeft": -1, "Shift+ArrowRight": 5, "Shift+ArrowLeft": -5}
SEED = 29_97
RIGHT_MS = 10_000
"""A read-out that does not say the frame by then is wrong."""


@dataclass
class Tally:
    """What was found on one clip."""

    checked: int = 0
    wrong: list[str] = field(default_factory=list)


class Trial:
    """One clip in the page, and where it ought to be."""

    def __init__(self, reviewer: Reviewer, clip: Clip, seed: int) -> None:
        self.reviewer = reviewer
        self.clip = clip
        self.random = random.Random(seed)
        self.tally = Tally()
        self.frame = 0

    def check(self, what: str, frame: int) -> None:
        """Waits for a frame and looks at it."""
        self.tally.checked += 1
        try:
            self.reviewer.wait_frame(frame, RIGHT_MS)
            shown = self.reviewer.bars()
        except (Error, ValueError) as error:
            self.tally.wrong.append(f"{what} to {frame}: read-out {self.reviewer.frame}, {str(error).splitlines()[0]}")
            return
        self.frame = frame
        if shown != frame:
            self.tally.wrong.append(f"{what} to {frame}: the picture is {shown}")

    def step(self) -> None:
        """One frame, or five, by a key."""
        key = self.random.choice([key for key, by in KEYS.items() if 0 <= self.frame + by < self.clip.frames])
        self.reviewer.press(key)
        self.check(key, self.frame + KEYS[key])

    def seek(self) -> None:
        """A press on the timeline."""
        frame = self._elsewhere()
        self.reviewer.click_timeline(frame)
        self.check("seek", frame)

    def jump(self) -> None:
        """To a frame by its number, to the first or to the last."""
        key = self.random.choice(["", "", "", "Home", "End"])
        frame = {"Home": 0, "End": self.clip.frames - 1}.get(key, self._elsewhere())
        if key:
            self.reviewer.press(key)
        else:
            self.reviewer.type_place(str(frame))
        self.check(f"jump {key}", frame)

    def _elsewhere(self) -> int:
        return self.random.choice([frame for frame in range(self.clip.frames) if frame != self.frame])


def trials(reviewer: Reviewer, clip: Clip, times: int) -> Tally:
    """All that is done on one clip."""
    reviewer.visit(clip.path.name)
    trial = Trial(reviewer, clip, SEED)
    trial.check("open", 0)
    kinds: list[Callable[[], None]] = [trial.step, trial.seek, trial.jump]
    for _ in range(times):
        for do in kinds:
            do()
    return trial.tally


def run(clips: tuple[Clip, ...], times: int) -> Iterator[tuple[Clip, Tally]]:
    """Uploads the clips, and goes through them one after the other."""
    with running() as stack, sync_playwright() as playwright, chromium(playwright) as browser:
        studio = Studio(stack)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(studio.video, [clip.path for clip in clips]))
        reviewer = Reviewer.before(browser, "reviewer", stack.address).with_session(studio.secret)
        for clip in clips:
            yield clip, trials(reviewer, clip, times)
        reviewer.context.close()


def main() -> int:
    """Runs, prints; gives 1 when a frame was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="25 times on four clips")
    quick = parser.parse_args().quick
    checked = wrong = 0
    for clip, tally in run(QUICK if quick else ALL, 25 if quick else 100):
        right = tally.checked - len(tally.wrong)
        print(f"{clip.name:24} {right} of {tally.checked} right", *tally.wrong, sep="\n    ")
        checked += tally.checked
        wrong += len(tally.wrong)
    print(json.dumps({"wrong_frames": wrong, "checked": checked}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
