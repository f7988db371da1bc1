"""Pages of a list: how many, and where the next begins."""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass

from svc_project.core.errors import InvalidField, InvalidPageToken

Key = tuple[str | int, ...]

DEFAULT_SIZE = 100
LARGEST_SIZE = 1000
_TOKEN_CHARACTERS = 2048


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for: at most `size` rows after the row with key `after` (None: from the beginning)."""

    size: int
    after: Key | None


def parse(page_size: int, page_token: str, scope: str, shape: tuple[type, ...]) -> Page:
    """The page that a request asks for. `scope` names list and filter: a token of another is refused."""
    if not 0 <= page_size <= LARGEST_SIZE:
        raise InvalidField("page_size", f"0 to {LARGEST_SIZE}")
    size = page_size or DEFAULT_SIZE
    if not page_token:
        return Page(size, None)
    return Page(size, _decode(page_token, scope, shape))


def token(scope: str, key: Key) -> str:
    """The token of the page that begins after `key`."""
    text = json.dumps([_digest(scope), *key], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(page_token: str, scope: str, shape: tuple[type, ...]) -> Key:
    if len(page_token) > _TOKEN_CHARACTERS:
        raise InvalidPageToken
    try:
        raw = base64.b64decode(page_token + "=" * (-len(page_token) % 4), altchars=b"-_", validate=True)
        values = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidPageToken from error
    if not isinstance(values, list) or len(values) != len(shape) + 1 or values[0] != _digest(scope):
        raise InvalidPageToken
    key = tuple(values[1:])
    if any(type(value) is not kind for value, kind in zip(key, shape, strict=True)):
        raise InvalidPageToken
    if any(isinstance(value, int) and not 0 <= value < 2**63 for value in key):
        raise InvalidPageToken
    return key


def _digest(scope: str) -> str:
    return hashlib.sha256(scope.encode()).hexdigest()[:16]
