"""OpenRV's annotation schemas for the OTIO library: their names and fields, as its OTIO reader registers them."""

from typing import Any

import opentimelineio as otio

FIELDS: dict[str, dict[str, Any]] = {
    "Paint.2": {
        "id": str, "soft_deleted": bool, "points": list, "rgba": list, "type": str, "brush": str, "visible": bool,
    },
    "Point.1": {"width": float, "x": float, "y": float},
    "Position.1": {"x": float, "y": float},
    "Rectangle.1": {
        "min": None, "max": None, "inner_color": list, "border_color": list, "border_width": float,
        "corner_radius": float, "id": str, "visible": bool, "soft_deleted": bool,
    },
    "Ellipse.1": {
        "min": None, "max": None, "inner_color": list, "border_color": list, "border_width": float, "id": str,
        "visible": bool, "soft_deleted": bool,
    },
    "Arrow.1": {
        "start_position": None, "end_position": None, "inner_color": list, "border_color": list, "width": float,
        "border_width": float, "id": str, "visible": bool, "soft_deleted": bool,
    },
    "Line.1": {
        "start_position": None, "end_position": None, "border_color": list, "width": float, "id": str, "visible": bool,
        "soft_deleted": bool,
    },
    "Text.1": {
        "anchor": None, "text": str, "font_family": str, "font_size": float, "font_weight": str, "font_style": str,
        "text_decoration": str, "text_align": str, "inner_color": list, "id": str, "visible": bool,
        "soft_deleted": bool,
    },
    "Annotation.1": {
        "visible": bool, "layers": list, "hold": bool, "ghost": bool, "ghost_before": int, "ghost_after": int,
    },
}  # fmt: skip
RANGED = {"Paint.2", "Rectangle.1", "Ellipse.1", "Arrow.1", "Line.1", "Text.1"}
_registered: dict[str, type[Any]] = {}


def registered() -> dict[str, type[Any]]:
    """The schemas as classes that the library knows from now on."""
    for label, fields in FIELDS.items():
        if label in _registered:
            continue
        base = otio.schema.Effect if label == "Annotation.1" else otio.core.SerializableObject
        body: dict[str, Any] = {"_serializable_label": label, "_name": label.partition(".")[0], "__module__": __name__}
        kinds = dict(fields) | ({"layer_range": otio.opentime.TimeRange} if label in RANGED else {})
        for name, kind in kinds.items():
            body[name] = otio.core.serializable_field(name, required_type=kind)
        _registered[label] = otio.core.register_type(type(label.partition(".")[0], (base,), body))
    return _registered
