"""Metrics of svc_signaling."""

from prometheus_client import Counter

TAKEN = Counter("rushes_signaling_rooms_taken_total", "Rooms taken up, by what they were read from.", ["source"])
MOMENTS_AWAY = Counter("rushes_signaling_moments_away_total", "Times that Redis could not be asked for rooms' moments.")
