"""The STUN and TURN servers that browsers and feeds are told."""

from typing import Final

from mesh.clock import Clock
from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.config import SignalingConfig
from svc_signaling.core.turn import credentials

_SECOND_MS: Final = 1000


class IceServers:
    """See the module."""

    def __init__(self, config: SignalingConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock

    def of(self, name: str) -> pb.GetIceServersResponse:
        """Those for somebody of a name, which TURN's log will have."""
        config = self._config
        answer = pb.GetIceServersResponse()
        if config.stun:
            answer.ice_servers.add(urls=config.stun)
        if config.turn and config.turn_secret:
            expires_s = self._clock.now_ms() // _SECOND_MS + config.turn_life_s
            username, credential = credentials(config.turn_secret, expires_s, name)
            answer.ice_servers.add(urls=config.turn, username=username, credential=credential)
            answer.expires_ms = expires_s * _SECOND_MS
        return answer
