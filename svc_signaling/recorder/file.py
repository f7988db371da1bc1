"""One file of a take, which plays as far as it was written at any moment: WebM, or fragmented MP4 for H.264."""

import contextlib
import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av

from svc_signaling.core.name import PART, SegmentName
from svc_signaling.core.payload import Codec, parameter_sets, size_of
from svc_signaling.core.take import Begin, Write

MICROSECOND: Final = Fraction(1, 1_000_000)
FLUSH_MS: Final = 500
_AV1_DELIMITER: Final = b"\x12\x00"
_OPUS_HEAD: Final = b"OpusHead" + struct.pack("<BBHIHB", 1, 2, 0, 48_000, 0, 0)
_OPTIONS: Final = {
    "webm": {"cluster_time_limit": str(FLUSH_MS)},
    "mp4": {"movflags": "frag_keyframe+empty_moov+delay_moov+default_base_moof", "frag_duration": str(FLUSH_MS * 1000)},
}


def suffix_of(codecs: Sequence[Codec]) -> str:
    """Which container takes these."""
    return "mp4" if Codec.H264 in codecs else "webm"


class File:
    """See the module. It has another name until it is closed."""

    def __init__(self, folder: Path, participant_id: str, begin: Begin) -> None:
        self.name = SegmentName(begin.start_ms, participant_id, begin.offset_ms, suffix_of(begin.codecs))
        self._path = folder / str(self.name)
        self._part = folder / f"{self.name}{PART}"
        options = {"flush_packets": "1", "max_interleave_delta": str(FLUSH_MS * 1000), **_OPTIONS[self.name.suffix]}
        self._out = av.open(str(self._part), "w", format=self.name.suffix, container_options=options)
        self._streams = {codec: self._stream(codec, begin.first_key) for codec in begin.codecs}

    def _stream(self, codec: Codec, key: bytes) -> Any:
        if codec is Codec.OPUS:
            # Its encoder is opened, never used: a stream without one would lack what a player has to know of Opus.
            sound = self._out.add_stream("libopus", rate=48_000)
            sound.codec_context.extradata = _OPUS_HEAD
            return sound
        width, height = size_of(codec, key)
        if codec in (Codec.VP8, Codec.VP9):
            return self._out.add_mux_stream(codec.value, width=width, height=height, time_base=Fraction(1, 1000))
        if codec is Codec.AV1:
            # A container has to know the sequence: it is read out of the first picture, as of a file.
            with av.open(io.BytesIO(_AV1_DELIMITER + key), format="obu") as first:
                return self._out.add_stream_from_template(first.streams.video[0], opaque=True)
        # As with Opus, and with the least that an encoder of H.264 can be.
        pictures = self._out.add_stream("libx264", options={"preset": "ultrafast", "tune": "zerolatency"})
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
        pictures.time_base = Fraction(1, 90_000)
        pictures.codec_context.thread_count = 1
        pictures.codec_context.extradata = parameter_sets(key)
        return pictures

    def write(self, frame: Write) -> None:
        """A frame of one of its codecs, behind those before it."""
        packet = av.Packet(frame.data)
        packet.stream = self._streams[frame.codec]
        packet.time_base = MICROSECOND
        packet.pts = packet.dts = frame.at_us
        packet.is_keyframe = frame.key
        if frame.codec is Codec.OPUS:
            packet.duration = 20_000
        self._out.mux(packet)

    def close(self) -> None:
        """It is complete, and has its name. Of what nothing was written there is no file."""
        self._out.close()
        with contextlib.suppress(FileNotFoundError):
            self._part.rename(self._path)
