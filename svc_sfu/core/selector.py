"""Which frames of a stream with layers within it one receiver is sent.

A decode target is a set of frames that can be decoded without the others. It is changed where its frames say that
whoever has them can go on; larger pictures, and mostly smaller ones too, can be had from a keyframe on alone. Until
that comes, whoever shall get less is sent fewer pictures.
"""

from typing import Final

from svc_sfu.core.dependency import Descriptor, Indication, Structure
from svc_sfu.core.rtp import newer

KEPT: Final = 512
"""Frames of which is remembered whether they were sent."""
MOST: Final = 7
"""No layer is larger."""
AGREED: Final = 64
"""After so many frames that were all sent, nothing that was left out is needed any more."""
MAX_TRIES: Final = 3
"""Keyframes without what is wanted, after which no more are asked for."""
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

    @property
    def top(self) -> int:
        """The largest spatial layer that is sent now."""
        return self._structure.layers[self._target][0] if self._structure and self._target is not None else MOST

    def takes(self, frame: Descriptor) -> bool:
        """Whether a packet of this frame is sent."""
        at = frame.number % KEPT
        decided = self._decided[at]
        if decided is not None and decided[0] == frame.number:
            return decided[1]
        taken = self._decide(frame)
        self._decided[at] = frame.number, taken
        self._agreed = self._agreed + 1 if taken else 0
        return taken

    def _decide(self, frame: Descriptor) -> bool:
        targets = frame.template.targets
        whole = all(self._has(frame.number - before) for before in frame.template.needs)
        if self._newest is None or newer(frame.number, self._newest, self._span):
            self._newest = frame.number
            self._look(frame)
            self._tries += frame.begins and self._wanted != self._target
            # What is larger than what is sent now comes too late in its picture: that may have ended already.
            whole_picture = frame.template.spatial <= self.top
            for aim in (self._wanted, self._meanwhile) if whole_picture else ():
                if aim != self._target and whole and targets[aim] == Indication.SWITCH:
                    self._target = aim
                    self._take_aim()
                    break
        if self._target is None or self._target >= len(targets):
            return whole
        return whole and targets[self._target] != Indication.NOT_PRESENT

    def _has(self, number: int) -> bool:
        number %= self._span
        decided = self._decided[number % KEPT]
        return decided is None or decided[0] != number or decided[1]

    def _look(self, frame: Descriptor) -> None:
        if frame.structure is not self._structure or (frame.active is not None and frame.active != self._active):
            if self._structure is None or len(frame.structure.layers) != len(self._structure.layers):
                self._target = None
            self._structure = frame.structure
            self._active = (1 << len(frame.structure.layers)) - 1 if frame.active is None else frame.active
            if self._target is None and not frame.begins:
                # In the midst of a stream that was sent whole so far.
                self._target = frame.structure.fitting(MOST, MOST, self._active)
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
