"""Drawings as operators of a PDF page: vectors over the still, as the page paints them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rushes.annotation.v1 import annotation_pb2 as pb
from rushes.annotation.v1.annotation_pb2 import Annotation
from rushes.exchange.layer import LEAST_WIDTH, UNITS, style_of
from rushes.exchange.shape import Point, box_of, points_of

_ARC: Final = 4 * (math.sqrt(2) - 1) / 3
"""How far the handles of a curve are that is a quarter of a circle of radius 1."""
_LEAST_HEAD: Final = 500
"""Units that the head of an arrow is long at least."""
_ROUND: Final = "1 J 1 j"
_EVEN_PRESSURE: Final = 128


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a picture stands on the page, in points from the page's lower left corner."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def unit(self) -> float:
        """Points of one unit of an annotation."""
        return self.height / UNITS

    def point(self, place: Point) -> Point:
        """A place on the picture as a point of the page."""
        x, y = place
        return self.left + self.width / 2 + x * self.unit, self.bottom + self.height / 2 - y * self.unit


def color(value: int, operator: str) -> str:
    """An operator that sets a colour: "RG" of lines, "rg" of what is filled."""
    red, green, blue = value >> 16 & 255, value >> 8 & 255, value & 255
    return f"{red / 255:.3f} {green / 255:.3f} {blue / 255:.3f} {operator}"


def strokes(annotation: Annotation, frame: Frame) -> str:
    """Operators that draw the lines of an annotation in its colour; empty: it has none."""
    style, kind = style_of(annotation), annotation.kind
    if kind == pb.ANNOTATION_KIND_STROKE and annotation.pressure:
        return "\n".join((color(style.color, "rg"), *pressed(annotation, frame), "f"))
    lines: list[str]
    if kind == pb.ANNOTATION_KIND_STROKE:
        lines = [_line([frame.point(each) for each in points_of(annotation)])]
    elif kind in (pb.ANNOTATION_KIND_LINE, pb.ANNOTATION_KIND_ARROW):
        ends = points_of(annotation)[:2]
        lines = [_line([frame.point(each) for each in ends])]
        if kind == pb.ANNOTATION_KIND_ARROW and len(ends) == 2:
            lines.append(_line([frame.point(each) for each in _head(ends[0], ends[1], style.width)]))
    elif kind in (pb.ANNOTATION_KIND_RECT, pb.ANNOTATION_KIND_ELLIPSE):
        lines = [_box(annotation, frame)]
    else:
        return ""
    return "\n".join((_ROUND, color(style.color, "RG"), f"{style.width * frame.unit:.3f} w", *lines, "S"))


def filling(annotation: Annotation, frame: Frame) -> str:
    """Operators that fill a rectangle or an ellipse; empty: nothing is filled."""
    fill = annotation.style.fill
    if not fill >> 24 or annotation.kind not in (pb.ANNOTATION_KIND_RECT, pb.ANNOTATION_KIND_ELLIPSE):
        return ""
    return "\n".join((color(fill & 0xFFFFFF, "rg"), _box(annotation, frame), "f"))


def pressed(annotation: Annotation, frame: Frame) -> Iterator[str]:
    """The outline of a stroke: a disc at each point, a band between each two, all wound the same way."""
    points = [frame.point(each) for each in points_of(annotation)]
    pressure = annotation.pressure or bytes([255]) * len(points)
    full = annotation.style.width * frame.unit / 2
    radii = [full * (LEAST_WIDTH + (1 - LEAST_WIDTH) * each / 255) for each in pressure]
    radii += [full * (LEAST_WIDTH + (1 - LEAST_WIDTH) * _EVEN_PRESSURE / 255)] * (len(points) - len(radii))
    for (x, y), radius in zip(points, radii, strict=False):
        yield _ellipse(x - radius, y - radius, x + radius, y + radius)
    for ((x0, y0), r0), ((x1, y1), r1) in pairwise(zip(points, radii, strict=False)):
        length = math.hypot(x1 - x0, y1 - y0)
        if length:
            across, down = (y1 - y0) / length, -(x1 - x0) / length
            corners = [
                (x0 + across * r0, y0 + down * r0),
                (x1 + across * r1, y1 + down * r1),
                (x1 - across * r1, y1 - down * r1),
                (x0 - across * r0, y0 - down * r0),
            ]
            yield f"{_line(corners)} h"


def _line(points: Sequence[Point]) -> str:
    """A line through points; a dot where there is one."""
    if not points:
        return ""
    (x, y), *rest = points
    rest = rest or [(x + 0.01, y)]
    return " ".join((f"{x:.2f} {y:.2f} m", *(f"{x:.2f} {y:.2f} l" for x, y in rest)))


def _head(start: Point, tip: Point, width: float) -> list[Point]:
    """The two sides of an arrow's head, in units, as the page draws it."""
    length = math.dist(start, tip) or 1
    size = min(length * 0.6, max(width * 4, _LEAST_HEAD))
    across, down = (tip[0] - start[0]) / length, (tip[1] - start[1]) / length
    x, y, side = tip[0] - across * size, tip[1] - down * size, size / 2
    return [(x - down * side, y + across * side), tip, (x + down * side, y - across * side)]


def _box(annotation: Annotation, frame: Frame) -> str:
    left, top, right, bottom = box_of(annotation)
    (x0, y0), (x1, y1) = frame.point((left, bottom)), frame.point((right, top))
    if annotation.kind == pb.ANNOTATION_KIND_ELLIPSE:
        return _ellipse(x0, y0, x1, y1)
    return f"{x0:.2f} {y0:.2f} {x1 - x0:.2f} {y1 - y0:.2f} re"


def _ellipse(x0: float, y0: float, x1: float, y1: float) -> str:
    """Four curves, counter-clockwise."""
    x, y, a, b = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2
    c, d = a * _ARC, b * _ARC
    curves = (
        (x + a, y + d, x + c, y + b, x, y + b),
        (x - c, y + b, x - a, y + d, x - a, y),
        (x - a, y - d, x - c, y - b, x, y - b),
        (x + c, y - b, x + a, y - d, x + a, y),
    )
    return " ".join(
        (f"{x + a:.2f} {y:.2f} m", *(" ".join(f"{each:.2f}" for each in curve) + " c" for curve in curves), "h")
    )
