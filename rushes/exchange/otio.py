"""Notes as an OpenTimelineIO timeline: one clip, comments as its markers, drawings as OpenRV's annotation layers.

What a schema has no place for is kept under `metadata.rushes`, so that notes come back as they were. The layers are an
effect of the clip, where OpenRV looks for them. A program whose OTIO library does not know the effect's schema refuses
the whole file: for those `write_plain` keeps the same layers in the metadata.
"""

import json
from typing import Final

from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_COMMENT, Annotation
from rushes.exchange import layer
from rushes.exchange.notes import Notes, one_line
from rushes.exchange.plain import Json, to_plain
from rushes.exchange.shape import POINTED, resized

OWN: Final = "rushes"
"""Our part of the metadata."""
MAX_NAME: Final = 200


def write(notes: Notes) -> bytes:
    """The timeline with its drawings, for programs that know OpenRV's schemas."""
    return _bytes(notes, plain=False)


def write_plain(notes: Notes) -> bytes:
    """The timeline for any program with OTIO 0.15 or later; nothing but this library sees its drawings."""
    return _bytes(notes, plain=True)


def _bytes(notes: Notes, *, plain: bool) -> bytes:
    safe = Notes(notes.video, [_whole(each) for each in notes.annotations], notes.authors)
    return (json.dumps(_timeline(safe, plain), ensure_ascii=False, separators=(",", ":")) + "\n").encode(
        "utf-8", "replace"
    )


def _whole(annotation: Annotation) -> Annotation:
    """An annotation without zero characters in its text: the OTIO library would end it there."""
    if "\0" not in annotation.text:
        return annotation
    made = Annotation()
    made.CopyFrom(annotation)
    made.text = annotation.text.replace("\0", "\ufffd")
    return made


def _rational(notes: Notes, value: int) -> Json:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(notes.video.rate), "value": float(value)}


def _range(notes: Notes, first: int, length: int) -> Json:
    """Numbers from `first` on, in the time of the media: its timecode, or zero, is where it begins."""
    start = _rational(notes, notes.video.origin.frames + first)
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": start, "duration": _rational(notes, length)}


def _shown(notes: Notes, annotation: Annotation) -> Json:
    first, last = notes.video.number(annotation.first_frame), notes.video.number(annotation.last_frame)
    return _range(notes, first, last - first + 1)


def _timeline(notes: Notes, plain: bool) -> Json:
    video = notes.video
    own = {"version": 1, "video_id": video.video_id, "drop_frame": video.origin.drop_frame}
    track: Json = {
        "OTIO_SCHEMA": "Track.1",
        "metadata": {},
        "name": "V1",
        "source_range": None,
        "effects": [],
        "markers": [],
        "enabled": True,
        "children": [_clip(notes, plain)],
        "kind": "Video",
    }
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {OWN: own},
        "name": video.stem,
        "global_start_time": _rational(notes, video.origin.frames) if video.start else None,
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "metadata": {},
            "name": "tracks",
            "source_range": None,
            "effects": [],
            "markers": [],
            "enabled": True,
            "children": [track],
        },
    }


def _clip(notes: Notes, plain: bool) -> Json:
    drawings = [each for each in notes.annotations if each.kind != ANNOTATION_KIND_COMMENT]
    comments = [each for each in notes.annotations if each.kind == ANNOTATION_KIND_COMMENT]
    effects = [_effect(notes, drawings)] if drawings else []
    return {
        "OTIO_SCHEMA": "Clip.2",
        "metadata": {OWN: {"effects": effects}} if plain else {},
        "name": notes.video.stem,
        "source_range": _range(notes, 0, notes.video.length),
        "effects": [] if plain else effects,
        "markers": [_marker(notes, comment) for comment in comments],
        "enabled": True,
        "media_references": {"DEFAULT_MEDIA": _media(notes)},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def _media(notes: Notes) -> Json:
    """The file. Its bounds say what the layers' units are: without them OpenRV takes 16 to be the picture's width."""
    half = layer.SPAN / 2
    across = float(notes.video.aspect) * half
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {},
        "name": notes.video.name,
        "available_range": _range(notes, 0, notes.video.length),
        "available_image_bounds": {
            "OTIO_SCHEMA": "Box2d.1",
            "min": {"OTIO_SCHEMA": "V2d.1", "x": -across, "y": -half},
            "max": {"OTIO_SCHEMA": "V2d.1", "x": across, "y": half},
        },
        "target_url": notes.video.name,
    }


def _marker(notes: Notes, comment: Annotation) -> Json:
    return {
        "OTIO_SCHEMA": "Marker.2",
        # DaVinci Resolve keeps a marker's words where it looks for them, and not in `comment`.
        "metadata": {"Resolve_OTIO": {"Note": comment.text}, OWN: kept(notes, comment)},
        "name": marker_name(notes.author(comment), comment.text),
        "color": "GREEN" if comment.resolved else "RED",
        "marked_range": _shown(notes, comment),
        "comment": comment.text,
    }


def marker_name(author: str, text: str) -> str:
    """What programs show that show only a marker's name."""
    said = one_line(text)
    return (f"{author}: {said}" if author else said)[:MAX_NAME]


def _effect(notes: Notes, drawings: list[Annotation]) -> Json:
    layers = [layer.write(each, _shown(notes, each)) for each in drawings]
    return {
        "OTIO_SCHEMA": "Annotation.1",
        "metadata": {OWN: {"layers": {layer.layer_id(each.id): kept(notes, each) for each in drawings}}},
        "name": "Annotations",
        "effect_name": "Annotation.1",
        "visible": True,
        "layers": [each for each in layers if each is not None],
        "hold": False,
        "ghost": False,
        "ghost_before": 5,
        "ghost_after": 5,
    }


def kept(notes: Notes, annotation: Annotation) -> Json:
    """All of an annotation but the points that its layer shows."""
    state = Annotation()
    state.CopyFrom(annotation)
    if annotation.kind in POINTED and not resized(annotation):
        del state.points[:]
    return {"author": notes.author(annotation), "note": to_plain(state)}
