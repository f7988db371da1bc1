"""Drawings as the layers of an annotated OTIO clip, in OpenRV's schemas, and layers as drawings.

A layer's picture is `Canvas.height` units high (9 in what is written here), with the centre in its middle; y points up.
"""

from dataclasses import dataclass
from typing import Final

from rushes.annotation.v1 import annotation_pb2 as pb
from rushes.annotation.v1.annotation_pb2 import Annotation, Style
from rushes.document.limit import MAX_OPERATION_BYTES, MAX_POINTS
from rushes.exchange.plain import Json, list_at, number_at, object_at, text_at
from rushes.exchange.shape import Place, bounds, box_of, encode, points_of

UNITS: Final = 32768
"""Units in the height of a picture, here."""
SPAN: Final = 9.0
"""Units in the height of a picture, in a layer that is written here."""
LEAST_WIDTH: Final = 0.25
"""A pressed stroke is nowhere thinner than this part of its width."""
LINE_HEIGHT: Final = 1.25
_ALIGN: Final = {pb.TEXT_ALIGN_CENTER: "CENTER", pb.TEXT_ALIGN_END: "RIGHT"}
_ALIGNED: Final = {"CENTER": pb.TEXT_ALIGN_CENTER, "RIGHT": pb.TEXT_ALIGN_END}
_WHITE: Final = Style(color=0xFFFFFF, opacity=255)
_SURELY_FIT: Final = 1700
"""Points of a stroke that fit an operation wherever they are."""
_EVEN: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Canvas:
    """The units of a layer."""

    height: float = SPAN
    x: float = 0.0
    """Where the picture's centre is."""
    y: float = 0.0

    def place(self, point: Json) -> Place:
        """A point in our units. Raises ValueError."""
        x, y = number_at(point.get("x"), "x"), number_at(point.get("y"), "y")
        return round((x - self.x) * UNITS / self.height), round((self.y - y) * UNITS / self.height)

    def size(self, value: object, what: str) -> int:
        """A width or height in our units. Raises ValueError."""
        return max(0, round(number_at(value, what) * UNITS / self.height))


def layer_id(annotation_id: bytes) -> str:
    """An annotation's id as a layer has it: a UUID."""
    text = annotation_id.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def annotation_id(layer_id: object) -> bytes:
    """The 16 bytes of a UUID; empty: it is none."""
    digits = text_at(layer_id).replace("-", "")
    try:
        return bytes.fromhex(digits) if len(digits) == 32 else b""
    except ValueError:
        return b""


# -- out ---------------------------------------------------------------------------------------------------------------


def _size(units: float) -> float:
    return units * SPAN / UNITS


def _position(x: float, y: float) -> Json:
    return {"OTIO_SCHEMA": "Position.1", "x": _size(x), "y": -_size(y)}


def style_of(annotation: Annotation) -> Style:
    """How it looks; white where nothing is said."""
    return annotation.style if annotation.HasField("style") else _WHITE


def _color(style: Style) -> list[float]:
    red, green, blue = style.color >> 16 & 255, style.color >> 8 & 255, style.color & 255
    return [red / 255, green / 255, blue / 255, style.opacity / 255]


def _fill(style: Style) -> list[float]:
    return _color(Style(color=style.fill & 0xFFFFFF, opacity=style.fill >> 24))


def write(annotation: Annotation, time_range: Json) -> Json | None:
    """The layer of a drawing; None: it is not drawn."""
    make = _WRITERS.get(annotation.kind)
    if make is None:
        return None
    own = {"id": layer_id(annotation.id), "visible": True, "soft_deleted": False, "layer_range": time_range}
    return make(annotation) | own


def _paint(annotation: Annotation) -> Json:
    style = style_of(annotation)
    points = points_of(annotation)
    pressed = [LEAST_WIDTH + (1 - LEAST_WIDTH) * each / 255 for each in annotation.pressure] or [1.0] * len(points)
    return {
        "OTIO_SCHEMA": "Paint.2",
        "points": [
            {"OTIO_SCHEMA": "Point.1", "width": _size(style.width) * part, "x": _size(x), "y": -_size(y)}
            for (x, y), part in zip(points, pressed, strict=False)
        ],
        "rgba": _color(style),
        "type": "ERASE" if annotation.mode == pb.STROKE_MODE_ERASE else "COLOR",
        "brush": "circle",
    }


def _pair(annotation: Annotation) -> Json:
    style = style_of(annotation)
    start, end = points_of(annotation)[:2]
    layer = {"start_position": _position(*start), "end_position": _position(*end), "border_color": _color(style)}
    if annotation.kind == pb.ANNOTATION_KIND_LINE:
        return {"OTIO_SCHEMA": "Line.1", **layer, "width": _size(style.width)}
    filled = {"inner_color": _color(style), "width": _size(style.width), "border_width": 0.0}
    return {"OTIO_SCHEMA": "Arrow.1", **layer, **filled}


def _boxed(annotation: Annotation) -> Json:
    style = style_of(annotation)
    left, top, right, bottom = box_of(annotation)
    layer = {
        "min": _position(left, bottom),
        "max": _position(right, top),
        "inner_color": _fill(style),
        "border_color": _color(style),
        "border_width": _size(style.width),
    }
    if annotation.kind == pb.ANNOTATION_KIND_ELLIPSE:
        return {"OTIO_SCHEMA": "Ellipse.1", **layer}
    return {"OTIO_SCHEMA": "Rectangle.1", **layer, "corner_radius": 0.0}


def _text(annotation: Annotation) -> Json:
    style = style_of(annotation)
    left, top, right, _ = box_of(annotation)
    x = {"CENTER": (left + right) / 2, "RIGHT": right}.get(_ALIGN.get(style.align, ""), left)
    return {
        "OTIO_SCHEMA": "Text.1",
        # The anchor is on the first line's baseline: an em below the top.
        "anchor": _position(x, top + style.font_size),
        "text": annotation.text,
        "font_family": "",
        "font_size": _size(style.font_size),
        "font_weight": "NORMAL",
        "font_style": "NORMAL",
        "text_decoration": "NONE",
        "text_align": _ALIGN.get(style.align, "LEFT"),
        "inner_color": _color(style),
    }


_WRITERS: Final = {
    pb.ANNOTATION_KIND_STROKE: _paint,
    pb.ANNOTATION_KIND_LINE: _pair,
    pb.ANNOTATION_KIND_ARROW: _pair,
    pb.ANNOTATION_KIND_RECT: _boxed,
    pb.ANNOTATION_KIND_ELLIPSE: _boxed,
    pb.ANNOTATION_KIND_TEXT: _text,
}

# -- in ----------------------------------------------------------------------------------------------------------------


def read(layer: Json, canvas: Canvas) -> list[Annotation]:
    """The drawings that a layer is: none if its schema is not known, several if a stroke has too many points.

    Their frames are not set. Raises ValueError, with words for people.
    """
    make = _READERS.get(text_at(layer.get("OTIO_SCHEMA")).partition(".")[0])
    return make(layer, canvas) if make is not None else []


def _rgba(value: object) -> Style:
    channels = [number_at(each, "a colour") for each in list_at(value)]
    if len(channels) not in (3, 4):
        raise ValueError("a colour has three or four channels")
    red, green, blue, alpha = (min(255, max(0, round(each * 255))) for each in [*channels, 1.0][:4])
    return Style(color=red << 16 | green << 8 | blue, opacity=alpha)


def _read_paint(layer: Json, canvas: Canvas) -> list[Annotation]:
    points = [object_at(point) for point in list_at(layer.get("points"))]
    if not points:
        raise ValueError("a stroke without points")
    places = [canvas.place(point) for point in points]
    widths = [max(0.0, number_at(point.get("width", 0.0), "a width")) for point in points]
    widest = max(widths)
    style = _rgba(layer.get("rgba"))
    style.width = canvas.size(widest, "a width")
    pressure = b"" if widest - min(widths) <= _EVEN * widest else bytes(_pressure(each / widest) for each in widths)
    mode = pb.STROKE_MODE_DRAW if text_at(layer.get("type")) in ("COLOR", "") else pb.STROKE_MODE_ERASE
    for most in (MAX_POINTS, _SURELY_FIT):
        strokes: list[Annotation] = []
        # Pieces of a long stroke share a point, so that no gap shows.
        for first in range(0, max(1, len(places) - 1), most - 1):
            part = slice(first, first + most)
            stroke = _pointed(pb.ANNOTATION_KIND_STROKE, places[part], style)
            stroke.mode, stroke.pressure = mode, pressure[part]
            strokes.append(stroke)
        if all(stroke.ByteSize() <= MAX_OPERATION_BYTES - 128 for stroke in strokes):
            break
    return strokes


def _pressure(part: float) -> int:
    return min(255, max(0, round((part - LEAST_WIDTH) / (1 - LEAST_WIDTH) * 255)))


def _pointed(kind: pb.AnnotationKind.ValueType, places: list[Place], style: Style) -> Annotation:
    x0, y0 = places[0]
    near = [(x - x0, y - y0) for x, y in places]
    position = pb.Position(x=x0, y=y0)
    return Annotation(kind=kind, position=position, points=encode(near), box=bounds(near), style=style)


def _read_pair(layer: Json, canvas: Canvas) -> list[Annotation]:
    arrow = text_at(layer.get("OTIO_SCHEMA")).startswith("Arrow")
    ends = [canvas.place(object_at(layer.get(name))) for name in ("start_position", "end_position")]
    style = _rgba(layer.get("inner_color" if arrow else "border_color"))
    style.width = canvas.size(layer.get("width"), "a width")
    return [_pointed(pb.ANNOTATION_KIND_ARROW if arrow else pb.ANNOTATION_KIND_LINE, ends, style)]


def _read_boxed(layer: Json, canvas: Canvas) -> list[Annotation]:
    ellipse = text_at(layer.get("OTIO_SCHEMA")).startswith("Ellipse")
    (x0, y0), (x1, y1) = (canvas.place(object_at(layer.get(name))) for name in ("min", "max"))
    style = _rgba(layer.get("border_color"))
    fill = _rgba(layer.get("inner_color") or [0, 0, 0, 0])
    style.fill = (fill.opacity << 24 | fill.color) if fill.opacity else 0
    style.width = canvas.size(layer.get("border_width") or 0.0, "a width")
    return [
        Annotation(
            kind=pb.ANNOTATION_KIND_ELLIPSE if ellipse else pb.ANNOTATION_KIND_RECT,
            position=pb.Position(x=min(x0, x1), y=min(y0, y1)),
            box=pb.Box(right=abs(x1 - x0), bottom=abs(y1 - y0)),
            style=style,
        )
    ]


def _read_text(layer: Json, canvas: Canvas) -> list[Annotation]:
    text = text_at(layer.get("text"))
    if not text.strip():
        raise ValueError("a text without words")
    x, baseline = canvas.place(object_at(layer.get("anchor")))
    style = _rgba(layer.get("inner_color"))
    style.font_size = canvas.size(layer.get("font_size"), "a font size")
    align = text_at(layer.get("text_align"))
    style.align = _ALIGNED.get(align, pb.TEXT_ALIGN_START)
    lines = text.split("\n")
    # A layer does not say how wide its box is: wide enough, by what letters are wide in most fonts.
    width = round(style.font_size * max(sum(0.65 if each < "\u1100" else 1.05 for each in line) for line in lines))
    left = {"CENTER": x - width // 2, "RIGHT": x - width}.get(align, x)
    return [
        Annotation(
            kind=pb.ANNOTATION_KIND_TEXT,
            position=pb.Position(x=left, y=baseline - style.font_size),
            box=pb.Box(right=width, bottom=round(len(lines) * style.font_size * LINE_HEIGHT)),
            style=style,
            text=text,
        )
    ]


_READERS: Final = {
    "Paint": _read_paint,
    "Line": _read_pair,
    "Arrow": _read_pair,
    "Rectangle": _read_boxed,
    "Ellipse": _read_boxed,
    "Text": _read_text,
}
