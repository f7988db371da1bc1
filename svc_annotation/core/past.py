"""What is kept of a state beside its bytes, so that the past can be searched without decoding it."""

from typing import NamedTuple

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT


class Facts(NamedTuple):
    """Of one state."""

    order_revision: int
    order_index: int
    first_frame: int
    last_frame: int
    internal: bool


def facts_of(state: bytes) -> Facts:
    """The facts of a serialised AnnotationState."""
    decoded = AnnotationState.FromString(state)
    annotation = decoded.annotation
    return Facts(
        decoded.order_revision,
        decoded.order_index,
        annotation.first_frame,
        annotation.last_frame,
        annotation.audience != AUDIENCE_CLIENT,
    )
