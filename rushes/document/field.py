"""Fields of an annotation by name: reading and writing their values and their stamps.

Everything of an annotation that can change but its text is a field with a value and a stamp, the revision that last set
it. A field without a stamp of its own has that of the Create and belongs to the author.
"""

from typing import Final

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState, Attachment, FieldStamp
from rushes.annotation.v1.operation_pb2 import FieldValue
from rushes.document import limit
from rushes.document.refusal import Refuse
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL

EDGES: Final = ("left", "top", "right", "bottom")

STYLE_LIMITS: Final[dict[str, int]] = {
    "color": 0xFFFFFF,
    "opacity": 255,
    "width": limit.MAX_COORDINATE,
    "fill": 0xFFFFFFFF,
    "font_size": limit.MAX_COORDINATE,
    "align": 3,
}
"""Value of a style -> its largest number; the least is 0."""

MEMBERS: Final[dict[str, str]] = {
    "position": "position",
    "left": "number",
    "top": "number",
    "right": "number",
    "bottom": "number",
    "frames": "frames",
    "audience": "audience",
    "resolved": "flag",
    "deleted": "flag",
    **{f"style/{name}": "number" for name in STYLE_LIMITS},
}
"""Name of a field -> member of FieldValue.value; beside them are tags/NAME (flag) and attachments/ID (attachment)."""

SETTABLE: Final = frozenset(("frames", "audience", "resolved", *(f"style/{name}" for name in STYLE_LIMITS)))
"""What SetFields names, beside tags and attachments."""

ID_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


def check_value(value: FieldValue, frame_count: int) -> None:
    """Refuses a field that there is not, and a value that it cannot have."""
    name = value.field
    member = MEMBERS.get(name)
    given = value.WhichOneof("value")
    if member is None:
        if name.startswith("tags/"):
            _check_tag(name[5:], given)
        elif name.startswith("attachments/"):
            _check_attachment_field(name[12:], value, given)
        else:
            raise Refuse("INVALID_FIELD")
    elif given != member:
        raise Refuse("INVALID_VALUE")
    elif member == "number":
        _check_number(name, value.number)
    elif member == "frames":
        check_frames(value.frames.first, value.frames.last, frame_count)
    elif member == "position":
        check_place(value.position.x, value.position.y)
    elif member == "audience" and value.audience not in (AUDIENCE_INTERNAL, AUDIENCE_CLIENT):
        raise Refuse("INVALID_AUDIENCE")


def check_frames(first: int, last: int, frame_count: int) -> None:
    """Refuses a range that is none, or outside the video (`frame_count` 0: not known)."""
    if first > last:
        raise Refuse("INVALID_FRAMES")
    if frame_count and last >= frame_count:
        raise Refuse("FRAME_OUTSIDE")


def check_place(x: int, y: int) -> None:
    """Refuses a place out of range."""
    if not -limit.MAX_COORDINATE <= x <= limit.MAX_COORDINATE or not -limit.MAX_COORDINATE <= y <= limit.MAX_COORDINATE:
        raise Refuse("INVALID_POSITION")


def check_attachment(attachment: Attachment) -> None:
    """Refuses an attachment without a valid id, target and title."""
    size = len(attachment.id)
    target = attachment.WhichOneof("target")
    if (
        not 0 < size <= limit.MAX_ATTACHMENT_ID
        or not ID_LETTERS.issuperset(attachment.id)
        or len(attachment.title.encode()) > limit.MAX_TITLE_BYTES
        or target is None
        or (target == "blob" and not 0 < len(attachment.blob.encode()) <= limit.MAX_BLOB_NAME_BYTES)
        or (target == "link" and not 0 < len(attachment.link.encode()) <= limit.MAX_LINK_BYTES)
    ):
        raise Refuse("INVALID_ATTACHMENTS")


def _check_tag(tag: str, given: str | None) -> None:
    if not tag or len(tag.encode()) > limit.MAX_TAG_BYTES:
        raise Refuse("INVALID_TAGS")
    if given not in (None, "flag"):
        raise Refuse("INVALID_VALUE")


def _check_attachment_field(attachment_id: str, value: FieldValue, given: str | None) -> None:
    if not 0 < len(attachment_id) <= limit.MAX_ATTACHMENT_ID or not ID_LETTERS.issuperset(attachment_id):
        raise Refuse("INVALID_ATTACHMENTS")
    if given is None:
        return
    if given != "attachment":
        raise Refuse("INVALID_VALUE")
    check_attachment(value.attachment)
    if value.attachment.id != attachment_id:
        raise Refuse("INVALID_ATTACHMENTS")


def _check_number(name: str, number: int) -> None:
    if name.startswith("style/"):
        if not 0 <= number <= STYLE_LIMITS[name[6:]]:
            raise Refuse("INVALID_STYLE")
    elif not -limit.MAX_COORDINATE <= number <= limit.MAX_COORDINATE:
        raise Refuse("INVALID_BOX")


def read(annotation: Annotation, name: str) -> FieldValue:
    """A field's value now; the name is a valid one."""
    value = FieldValue(field=name)
    member = MEMBERS.get(name)
    if member == "position":
        value.position.CopyFrom(annotation.position)
    elif member == "frames":
        value.frames.first = annotation.first_frame
        value.frames.last = annotation.last_frame
    elif member == "audience":
        value.audience = annotation.audience
    elif member == "flag":
        value.flag = getattr(annotation, name)
    elif member == "number":
        value.number = getattr(annotation.box, name) if name in EDGES else getattr(annotation.style, name[6:])
    elif name.startswith("tags/"):
        if name[5:] in annotation.tags:
            value.flag = True
    else:
        value.MergeFrom(_attachment_value(annotation, name[12:]))
    return value


def _attachment_value(annotation: Annotation, attachment_id: str) -> FieldValue:
    found = [each for each in annotation.attachments if each.id == attachment_id]
    return FieldValue(attachment=found[0]) if found else FieldValue()


def write(annotation: Annotation, value: FieldValue) -> None:
    """Sets a field, but for the audience. Refuses a tag or attachment too many; all else was checked before."""
    name = value.field
    if name.startswith("style/"):
        setattr(annotation.style, name[6:], value.number)
    elif name == "position":
        annotation.position.CopyFrom(value.position)
    elif name in EDGES:
        setattr(annotation.box, name, value.number)
    elif name == "frames":
        annotation.first_frame = value.frames.first
        annotation.last_frame = value.frames.last
    elif name == "resolved":
        annotation.resolved = value.flag
    elif name == "deleted":
        annotation.deleted = value.flag
    elif name.startswith("tags/"):
        _write_tag(annotation, name[5:], value.flag)
    else:
        _write_attachment(annotation, name[12:], value)


def _write_tag(annotation: Annotation, tag: str, there: bool) -> None:
    tags = [each for each in annotation.tags if each != tag]
    if there:
        if len(tags) >= limit.MAX_TAGS:
            raise Refuse("TOO_MANY_TAGS")
        tags.append(tag)
        tags.sort()
    annotation.tags[:] = tags


def _write_attachment(annotation: Annotation, attachment_id: str, value: FieldValue) -> None:
    others = [each for each in annotation.attachments if each.id != attachment_id]
    if value.HasField("attachment"):
        if len(others) >= limit.MAX_ATTACHMENTS:
            raise Refuse("TOO_MANY_ATTACHMENTS")
        others.append(value.attachment)
        others.sort(key=lambda each: each.id)
    kept = [Attachment() for _ in others]
    for own, each in zip(kept, others, strict=True):
        own.CopyFrom(each)
    del annotation.attachments[:]
    annotation.attachments.extend(kept)


def stamp_of(state: AnnotationState, name: str) -> int:
    """The revision that last set a field."""
    for stamp in state.stamps[:]:
        if stamp.field == name:
            return stamp.revision
    return state.order_revision


def set_stamp(state: AnnotationState, name: str, revision: int, person_id: str) -> None:
    """Says who set a field, and when. What equals the Create's is left out; the list stays sorted by code points."""
    stamps = state.stamps
    person = "" if person_id == state.annotation.author_id else person_id
    as_created = not person and revision == state.order_revision
    at = 0
    for stamp in stamps[:]:
        found = stamp.field
        if found == name:
            if as_created:
                del stamps[at]
                return
            stamp.revision = revision
            stamp.person_id = person
            return
        if found > name:
            break
        at += 1
    if as_created:
        return
    if at == len(stamps):
        stamp = stamps.add()
    else:
        stamps.insert(at, FieldStamp())
        stamp = stamps[at]
    stamp.field = name
    stamp.revision = revision
    stamp.person_id = person
