"""Somebody at the forwarder's socket with a valid session: sends what it likes, and keeps what it gets."""

import asyncio
import socket
from collections.abc import Sequence

from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate

from svc_sfu.core import rtp, sdp
from svc_sfu.engine import Engine
from svc_sfu.wire import Wire
from tests.waiting import until

AUDIO_TYPE, VIDEO_TYPE = 111, 96
_SESSION = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=ice-ufrag:them
a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa
a=fingerprint:sha-256 {fingerprint}
a=setup:active
"""
_PUBLISHED = """m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=sendonly
a=rtpmap:111 opus/48000/2
a=ssrc:{audio} cname:x
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:1
a=sendonly
a=rtpmap:96 VP8/90000
a=ssrc:{video} cname:x
"""
_WATCHED = """m=video 9 UDP/TLS/RTP/SAVPF 96 97
a=mid:v0
a=recvonly
a=extmap:3 {wide}
a=rtpmap:96 VP8/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
"""


class Peer:
    """See the module. `audio` and `video` are the SSRCs that it publishes with."""

    def __init__(self, engine: Engine, name: str, ssrc: int) -> None:
        self.name = name
        self.audio, self.video = ssrc, ssrc + 1
        self.packets: list[rtp.Packet] = []
        self.reports: list[bytes] = []
        self.checks = 0
        self._engine = engine
        self._certificate = RTCCertificate.generateCertificate()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self.wire = Wire(self._certificate, self.send)
        self._seqs: dict[int, int] = {}

    async def publish(self, room: str) -> list[str]:
        """Publishes sound and pictures; the tracks."""
        text = _SESSION + _PUBLISHED
        offer = text.format(fingerprint=self._fingerprint, audio=self.audio, video=self.video)
        answer, transport = self._engine.publish(room, self.name, offer)
        await self._agree(answer)
        assert transport.publisher is not None
        return [track.track_id for track in transport.publisher.tracks.values()]

    async def watch(self, room: str) -> None:
        """Takes a slot for sound and one for pictures, of which it may tell when they arrived."""
        offer = self._engine.subscribe(room, self.name, audio=1, video=1)
        answer = _SESSION + _WATCHED.format(wide=sdp.TRANSPORT_WIDE)
        self._engine.accept(room, self.name, answer.format(fingerprint=self._fingerprint))
        await self._agree(offer)

    @property
    def _fingerprint(self) -> str:
        return next(each.value for each in self._certificate.getFingerprints() if each.algorithm == "sha-256")

    async def _agree(self, description: str) -> None:
        told = sdp.parse(description)
        port = next(line.split(" ")[5] for line in description.split("\r\n") if line.startswith("a=candidate"))
        self._socket.connect(("127.0.0.1", int(port)))
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)
        self._credentials = told.ufrag, told.password
        self.check()
        await until(lambda: self.checks > 0, "a check is answered")
        assert await self.wire.handshake(told.fingerprints, client=True)

    def check(self) -> None:
        """Asks whether the other side is there."""
        ufrag, password = self._credentials
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{ufrag}:them"
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(password.encode())
        self.send(bytes(message))

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(2048)
            except (BlockingIOError, ConnectionError):
                return
            if data[0] < 4:
                self.checks += 1
            elif data[0] < 64:
                self.wire.handshake_bytes(data)
            else:
                plain = self.wire.open(data)
                if plain is not None and rtp.is_rtcp(data):
                    self.reports.append(plain)
                elif plain is not None:
                    self.packets.append(rtp.parse(plain))

    def send(self, data: bytes) -> None:
        """Sends a datagram as it is."""
        self._socket.send(data)

    def packet(self, payload: bytes, kind: int = AUDIO_TYPE, seq: int | None = None, ssrc: int = 0) -> bytes:
        """The next packet of a stream, without encryption."""
        ssrc = ssrc or (self.audio if kind == AUDIO_TYPE else self.video)
        number = self._seqs[ssrc] = (self._seqs.get(ssrc, 0) + 1 if seq is None else seq) % rtp.SEQ
        return rtp.head(True, kind, number, 960 * number, ssrc, extended=False) + payload

    def seal(self, packet: bytes) -> bytes:
        """The same for the wire."""
        sealed = self.wire.seal(packet)
        assert sealed is not None
        return sealed

    def report(self, packet: bytes) -> None:
        """Sends RTCP."""
        sealed = self.wire.seal_report(packet)
        assert sealed is not None
        self.send(sealed)

    def heard(self, kind: int = AUDIO_TYPE) -> Sequence[bytes]:
        """Payloads that came."""
        return [each.payload for each in self.packets if each.payload_type == kind]

    async def close(self) -> None:
        """Ends it."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
        await self.wire.close()
        self._socket.close()
