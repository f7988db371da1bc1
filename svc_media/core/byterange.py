"""Conditional and partial requests of HTTP (RFC 9110) for files that never change: what to answer. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_TAG = re.compile(r'(W/)?"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and which bytes are sent."""

    status: int
    begin: int = 0
    length: int = 0


def answer_to(headers: Mapping[str, str], size_bytes: int, etag: str) -> Answer:
    """What a GET or HEAD of a file is answered. `etag` is strong, without quotes; there is no date of change.

    A range that makes no sense and several ranges at once are as good as none: all is sent.
    """
    if "If-Match" in headers and not _matches(headers["If-Match"], etag, weak=False):
        return Answer(412)
    if "If-None-Match" in headers and _matches(headers["If-None-Match"], etag, weak=True):
        return Answer(304)
    whole = Answer(200, 0, size_bytes)
    found = _RANGE.fullmatch(headers.get("Range", "").strip())
    if found is None or not _unchanged(headers.get("If-Range", ""), etag):
        return whole
    first, last = found.groups()
    if not first:
        return _suffix(int(last), size_bytes) if last else whole
    begin = int(first)
    if last and int(last) < begin:
        return whole
    if begin >= size_bytes:
        return Answer(416)
    end = min(int(last) + 1, size_bytes) if last else size_bytes
    return Answer(206, begin, end - begin)


def _suffix(length: int, size_bytes: int) -> Answer:
    if not length or not size_bytes:
        return Answer(416)
    length = min(length, size_bytes)
    return Answer(206, size_bytes - length, length)


def _matches(header: str, etag: str, *, weak: bool) -> bool:
    if header.strip() == "*":
        return True
    return any(value == etag and (weak or not mark) for mark, value in _TAG.findall(header))


def _unchanged(if_range: str, etag: str) -> bool:
    """Whether a part of the file fits to what the client has: a date fits to nothing."""
    return not if_range or if_range.strip() == f'"{etag}"'
