"""JSON that is read from a file of anybody, and annotations in it."""

import json
import math
from typing import Any, TypeAlias

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from rushes.annotation.v1.annotation_pb2 import Annotation
from rushes.document.limit import MAX_NUMBER
from rushes.exchange.error import InvalidNotesFile

Json: TypeAlias = dict[str, Any]


def parse(data: bytes, what: str) -> Json:
    """The object that a file holds; `what` it should be, for people. Raises InvalidNotesFile."""
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise InvalidNotesFile(f"This is no {what} file: it is not text in UTF-8 (byte {error.start}).") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidNotesFile(f"This is no {what} file: it is not JSON ({error.msg}, {where}).") from None
    except (ValueError, RecursionError) as error:
        raise InvalidNotesFile(f"This is no {what} file: it is not JSON ({error}).") from None
    if not isinstance(value, dict):
        raise InvalidNotesFile(f"This is no {what} file: it holds no object.")
    return value


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number")


def object_at(value: Any) -> Json:
    """The value as an object; an empty one if it is none."""
    return value if isinstance(value, dict) else {}


def list_at(value: Any) -> list[Any]:
    """The value as a list; an empty one if it is none."""
    return value if isinstance(value, list) else []


def text_at(value: Any) -> str:
    """The value as text; "" if it is none."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def number_at(value: Any, what: str) -> float:
    """The value as a finite number. Raises ValueError."""
    if type(value) is float and -1e15 < value < 1e15:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15 or not math.isfinite(value):
        raise ValueError(f"{what} is no number that makes sense")
    return float(value)


def video_id_at(value: Json) -> int:
    """The video that a file says it was written of; 0: it does not say."""
    video_id = value.get("video_id")
    known = isinstance(video_id, int) and not isinstance(video_id, bool) and 0 < video_id <= MAX_NUMBER
    return video_id if isinstance(video_id, int) and known else 0


def to_plain(annotation: Annotation) -> Json:
    """An annotation in protobuf's mapping to JSON, with the names of the contract."""
    return MessageToDict(annotation, preserving_proto_field_name=True)


def from_plain(value: Any) -> Annotation:
    """The annotation that to_plain made this of. Raises ValueError."""
    try:
        return ParseDict(object_at(value), Annotation(), ignore_unknown_fields=True)
    except ParseError as error:
        raise ValueError(str(error)) from None
