"""Which frames of a stream with layers within it one receiver is sent.

A decode target is a set of frames that can be decoded without the others. It is changed where its frames say that
whoever has them can go on; larger pictures, and mostly smaller ones too, can be had from a keyframe on alone. Until
that comes, whoever shall get less is sent fewer pictures.
"""

from collections import deque
from typing import Final

from svc_sfu.core.dependency import Descriptor, Indication, Structure
from svc_sfu.core.numbering import Since
from svc_sfu.core.rtp import newer

KEPT: Final = 512
"""Frames of which is remembered whether they were sent."""
MOST: Final = 7
"""No layer is larger."""
AGREED: Final = 64
"""After so many frames that were all sent, nothing that was left out is needed any more."""
MAX_TRIES: Final = 3
"""Keyframes without what is wanted, after which no more are asked for."""
_TURNS: Final = 8
"""Changes of what is sent that are remembered, for late frames of before them."""
_FRAMES: Final = 1 << 16


class Selector:
    """See the module. `spatial` and `temporal` are the largest layers that are wanted."""

    def __init__(self, spatial: int = MOST, temporal: int = MOST, span: int = _FRAMES) -> None:
        self.spatial, self.temporal = spatial, temporal
        self._span = span
        self._structure: Structure | None = None
        self._active = 0
        self._target: int | None = None
        self._wanted = self._meanwhile = 0
        self._turns: deque[tuple[int, int | None]] = deque(maxlen=_TURNS)
        """Frames from which another decode target was sent, and the one before."""
        self._first = Since()
        """Of what came before, everything was sent, or nothing comes any more."""
        self._newest: int | None = None
        self._decided: list[tuple[int, bool] | None] = [None] * KEPT
        self._agreed = 0
        self._tries = 0

    def want(self, spatial: int, temporal: int) -> None:
        """What is wanted from now on, as soon as it can be had."""
        if (spatial, temporal) != (self.spatial, self.temporal):
            self._tries = 0
        self.spatial, self.temporal = spatial, temporal
        self._take_aim()

    @property
    def waits(self) -> bool:
        """Whether a keyframe is needed for what is wanted."""
        structure, target = self._structure, self._target
        if structure is None or target is None or self._tries >= MAX_TRIES:
            return False
        wanted, has = structure.layers[self._wanted][0], structure.layers[target][0]
        return wanted > has or (wanted < has and structure.keyed)

    @property
    def idle(self) -> bool:
        """Whether everything is sent, and was for a while."""
        return self._agreed >= AGREED

    def top(self, frame: Descriptor) -> int:
        """The largest spatial layer that is sent of a frame's picture."""
        target, layers = self._target_of(frame.number), frame.structure.layers
        return layers[target][0] if target is not None and target < len(layers) else MOST

    def takes(self, frame: Descriptor, *, late: bool) -> bool:
        """Whether a packet of this frame is sent; `late`: it is not the newest."""
        if late and self._newest is None:
            return True
        decided = self._decided[frame.number % KEPT]
        if decided is not None and decided[0] == frame.number:
            return decided[1]
        taken = self._decide(frame)
        self._decided[frame.number % KEPT] = frame.number, taken
        self._agreed = self._agreed + 1 if taken else 0
        if taken:
            self._promise(frame)
        return taken

    def _decide(self, frame: Descriptor) -> bool:
        if self._first.is_after(frame.number, self._span):
            return True
        has = [self._has(frame.number - before) for before in frame.template.needs]
        if self._newest is None or newer(frame.number, self._newest, self._span):
            cut = self._newest is None and not frame.first
            self._advance(frame, certain=all(has))
            if cut:
                return True  # it was begun
        whole = False not in has
        target, targets = self._target_of(frame.number), frame.template.targets
        if target is None or target >= len(targets):
            return whole
        return whole and targets[target] != Indication.NOT_PRESENT

    def _advance(self, frame: Descriptor, certain: bool) -> None:
        """The newest frame: what is sent may change with it, if it is `certain` that all that it needs was sent."""
        if self._newest is None:
            self._first.begin(frame.number)
        self._newest = frame.number
        while self._turns and (frame.number - self._turns[0][0]) % self._span > KEPT:
            self._turns.popleft()
        self._look(frame)
        self._tries += frame.begins and self._wanted != self._target
        if not certain or frame.template.spatial > self.top(frame):
            return  # what is larger than what is sent now comes too late in its picture: that may have ended already
        for aim in (self._wanted, self._meanwhile):
            if aim != self._target and frame.template.targets[aim] == Indication.SWITCH:
                self._turn(frame.number, aim)
                self._take_aim()
                break

    def _turn(self, number: int, target: int | None) -> None:
        self._turns.append((number, self._target))
        self._target = target

    def _target_of(self, number: int) -> int | None:
        """What was sent when a frame was the newest, if it is late."""
        target = self._target
        if number != self._newest:
            for at, before in reversed(self._turns):
                if not 0 < (at - number) % self._span <= KEPT:
                    break
                target = before
        return target

    def _has(self, number: int) -> bool | None:
        """Whether a frame was sent; None: it did not come yet, or was long ago."""
        number %= self._span
        if self._first.is_after(number, self._span):
            return True
        decided = self._decided[number % KEPT]
        return decided[1] if decided is not None and decided[0] == number else None

    def _promise(self, frame: Descriptor) -> None:
        """What a frame that is sent needs is sent as well, should it come later."""
        for before in frame.template.needs:
            number = (frame.number - before) % self._span
            behind = (self._newest - number) % self._span if self._newest is not None else KEPT
            if behind < KEPT and self._has(number) is None:
                self._decided[number % KEPT] = number, True

    def _look(self, frame: Descriptor) -> None:
        if frame.structure is not self._structure or (frame.active is not None and frame.active != self._active):
            if self._structure is None or len(frame.structure.layers) != len(self._structure.layers):
                self._turn(frame.number, None)
            self._structure = frame.structure
            self._active = (1 << len(frame.structure.layers)) - 1 if frame.active is None else frame.active
            if self._target is None and not frame.begins:
                # In the midst of a stream that was sent whole so far.
                self._turn(frame.number, frame.structure.fitting(MOST, MOST, self._active))
            self._take_aim()

    def _take_aim(self) -> None:
        structure, target = self._structure, self._target
        if structure is None:
            return
        self._wanted = self._meanwhile = structure.fitting(self.spatial, self.temporal, self._active)
        if target is None:
            return
        wanted, has = structure.layers[self._wanted][0], structure.layers[target][0]
        if wanted != has:
            self._meanwhile = structure.fitting(has, self.temporal if wanted > has else 0, self._active)
