"""Where an annotation's points and edges are on the picture, in units, as the page draws them."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final, TypeAlias

from rushes.annotation.v1.annotation_pb2 import (
    ANNOTATION_KIND_ARROW,
    ANNOTATION_KIND_LINE,
    ANNOTATION_KIND_STROKE,
    Annotation,
    Box,
)

Point: TypeAlias = tuple[float, float]
Place: TypeAlias = tuple[int, int]

POINTED: Final = frozenset((ANNOTATION_KIND_STROKE, ANNOTATION_KIND_LINE, ANNOTATION_KIND_ARROW))


def decode(points: Sequence[int]) -> list[Place]:
    """Points as pairs, from the differences that an annotation keeps."""
    return list(zip(accumulate(points[0::2]), accumulate(points[1::2]), strict=False))


def encode(places: Sequence[Place]) -> list[int]:
    """The differences that an annotation keeps."""
    flat: list[int] = list(places[0]) if places else []
    for (x0, y0), (x1, y1) in pairwise(places):
        flat += (x1 - x0, y1 - y0)
    return flat


def bounds(places: Sequence[Place]) -> Box:
    """What bounds points."""
    xs, ys = [x for x, _ in places] or [0], [y for _, y in places] or [0]
    return Box(left=min(xs), top=min(ys), right=max(xs), bottom=max(ys))


def resized(annotation: Annotation) -> bool:
    """Whether its points are not where it keeps them, but scaled into another box."""
    return annotation.HasField("box") and annotation.box != bounds(decode(annotation.points))


def points_of(annotation: Annotation) -> list[Point]:
    """Its points on the picture, scaled into its box where it was resized."""
    places = decode(annotation.points)
    x0, y0 = annotation.position.x, annotation.position.y
    if not resized(annotation):
        return [(x0 + x, y0 + y) for x, y in places]
    box, own = annotation.box, bounds(places)
    across = (box.right - box.left) / (own.right - own.left) if own.right > own.left else 0.0
    down = (box.bottom - box.top) / (own.bottom - own.top) if own.bottom > own.top else 0.0
    return [(x0 + box.left + (x - own.left) * across, y0 + box.top + (y - own.top) * down) for x, y in places]


def box_of(annotation: Annotation) -> tuple[int, int, int, int]:
    """Its left, top, right and bottom on the picture, in order."""
    box, x, y = annotation.box, annotation.position.x, annotation.position.y
    left, right = sorted((box.left, box.right))
    top, bottom = sorted((box.top, box.bottom))
    return x + left, y + top, x + right, y + bottom
