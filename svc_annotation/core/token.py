"""Page tokens: a kind, some numbers that say where to go on, and for what request."""

import base64
import hashlib
from typing import Final

from google.protobuf.message import Message

from rushes.errors import InvalidArgument

PAGE: Final = 100
MAX_PAGE: Final = 1_000
MAX_DIGITS: Final = 19


class TokenInvalid(InvalidArgument):
    """A page_token that was not given for this request."""

    reason = "INVALID_PAGE_TOKEN"


def page_size(asked: int) -> int:
    """How many a page holds."""
    if asked < 0:
        raise InvalidArgument("a page_size is not negative")
    return min(asked or PAGE, MAX_PAGE)


def asked_for(request: Message) -> str:
    """What a request asks for, whatever the page: 16 characters."""
    asked = type(request)()
    asked.CopyFrom(request)
    for name in ("page_token", "page_size"):
        if name in asked.DESCRIPTOR.fields_by_name:
            asked.ClearField(name)
    return hashlib.blake2b(asked.SerializeToString(deterministic=True), digest_size=8).hexdigest()


def pack(kind: str, *numbers: int, asked: str = "") -> str:
    """A token. `asked`: for this request alone (see `asked_for`)."""
    text = ".".join((kind, *map(str, numbers), asked))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpack(kind: str, count: int, token: str, asked: str = "") -> list[int]:
    """The numbers of a token. Raises TokenInvalid."""
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
        named, *numbers, given = text.split(".")
    except ValueError as error:  # not base64, not UTF-8, or without a dot
        raise TokenInvalid("this is no page_token") from error
    if named != kind or len(numbers) != count or not all(_is_number(number) for number in numbers):
        raise TokenInvalid("this is no page_token of this method")
    if given != asked:
        raise TokenInvalid("this page_token was given for another request")
    return [int(number) for number in numbers]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS
