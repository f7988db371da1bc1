"""What viewers who leave it to us are served: every commit, or merged states."""

from gateway.core.viewer import FULL, MERGED
from rushes.annotation.v1 import annotation_service_pb2 as service

QUIET_S = 10.0


class Choice:
    """Merged past a budget of bytes, as long as that saves much; full again when it was quiet for a while."""

    def __init__(self, merge_bytes_s: int) -> None:
        self._merge_bytes_s = merge_bytes_s
        self._quiet_s = 0.0

    def wanted(self, bytes_s: float, passed_s: float, *, saves: bool) -> "service.Delivery.ValueType | None":
        """With so much on the full lane in the time that passed; None: as before."""
        if bytes_s > self._merge_bytes_s and saves:
            self._quiet_s = 0.0
            return MERGED
        quiet = bytes_s < self._merge_bytes_s / 2 or not saves
        self._quiet_s = self._quiet_s + passed_s if quiet else 0.0
        return FULL if self._quiet_s >= QUIET_S else None
