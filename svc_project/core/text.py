"""What people type, checked and brought into one form."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence

from svc_project.core.errors import InvalidField, NotADecision

NAME_CHARACTERS = 256
TAG_BYTES = 64
TAGS = 32
QUERY_CHARACTERS = 256
QUERY_WORDS = 16
PASSWORD_CHARACTERS = 8
PASSWORD_BYTES = 1024
REQUEST_ID_BYTES = 128
STATUS_BYTES = 64
MOST_STATUSES = 32
SETTING_BYTES = 65_536
STATUSES = ("wip", "pending review", "retake", "could be better", "approved", "final", "on hold", "omit")
DECISIONS = ("approved", "could be better", "retake")
"""What of the usual statuses is for whoever approves, but does not make the cuts."""

# Blue, orange, green, pink ...: apart from each other on a dark page.
PALETTE = (0x4E9BFF, 0xFF9F43, 0x2ECC71, 0xFF6FB5, 0xF7D154, 0x9B7BFF, 0x1ABCB5, 0xFF6B5E, 0xA3D65C, 0x62C8F2)

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_ID = re.compile(r"[a-z0-9]{1,64}")
_SETTING = re.compile(r"[A-Za-z0-9._/-]{1,100}")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{0,128}")
# Control characters, surrogates, line and paragraph separators; and what turns the direction of the text around it.
_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_line(text: str, field: str, limit: int = NAME_CHARACTERS) -> str:
    """One line of text without what cannot be seen; may be empty."""
    line = unicodedata.normalize("NFC", text).strip()
    if len(line) > limit:
        raise InvalidField(field, f"at most {limit} characters")
    if any(unicodedata.category(character) in _REFUSED or character in _DIRECTION for character in line):
        raise InvalidField(field, "control characters are not allowed")
    return line


def clean_name(text: str, field: str = "name") -> str:
    """A name of something."""
    name = clean_line(text, field)
    if not name:
        raise InvalidField(field, "may not be empty")
    return name


def file_name(text: str) -> str:
    """A name out of a file's name, which anyone may have chosen: never refused, cut where it is too long."""
    kept = "".join(
        character
        for character in unicodedata.normalize("NFC", text)
        if unicodedata.category(character) not in _REFUSED and character not in _DIRECTION
    )
    return kept.strip()[:NAME_CHARACTERS].strip()


def clean_email(text: str) -> str:
    """A sign-in address in the form that it is compared in."""
    email = clean_line(text, "email", 254).casefold()
    if not _EMAIL.fullmatch(email):
        raise InvalidField("email", "this is not an address")
    return email


def check_password(text: str, field: str = "password") -> str:
    """A new password: long enough, and short enough to hash."""
    if len(text) < PASSWORD_CHARACTERS:
        raise InvalidField(field, f"at least {PASSWORD_CHARACTERS} characters are needed")
    if len(text.encode()) > PASSWORD_BYTES:
        raise InvalidField(field, f"at most {PASSWORD_BYTES} bytes")
    return text


def check_color(color: int) -> int:
    """A colour as 0xRRGGBB."""
    if not 0 <= color <= 0xFFFFFF:
        raise InvalidField("color", "0xRRGGBB is needed")
    return color


def color_of(place: int) -> int:
    """A colour for the person who comes at this place: neighbours differ."""
    return PALETTE[place % len(PALETTE)]


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags, each once, sorted."""
    cleaned = sorted({clean_name(tag, "tags") for tag in tags})
    if len(cleaned) > TAGS:
        raise InvalidField("tags", f"at most {TAGS}")
    if any(len(tag.encode()) > TAG_BYTES for tag in cleaned):
        raise InvalidField("tags", f"at most {TAG_BYTES} bytes each")
    return tuple(cleaned)


def check_status(status: str, statuses: Sequence[str], *, field: str = "status") -> str:
    """A status of a project; empty is the first."""
    if status and status not in statuses:
        raise InvalidField(field, f"one of {', '.join(statuses)} is needed")
    return status or statuses[0]


def check_decision(status: str, statuses: Sequence[str]) -> str:
    """A status of a cut from whoever only approves: where a project has none of the usual ones, any of its own."""
    usual = tuple(each for each in DECISIONS if each in statuses) or tuple(statuses)
    if status not in usual:
        raise NotADecision(usual)
    return status


def clean_statuses(statuses: Sequence[str]) -> tuple[str, ...]:
    """What a status may be, in order."""
    cleaned = tuple(clean_name(status, "statuses") for status in statuses)
    if not 1 <= len(cleaned) <= MOST_STATUSES:
        raise InvalidField("statuses", f"1 to {MOST_STATUSES} are needed")
    if any(len(status.encode()) > STATUS_BYTES for status in cleaned):
        raise InvalidField("statuses", f"at most {STATUS_BYTES} bytes each")
    if len(set(cleaned)) < len(cleaned):
        raise InvalidField("statuses", "each only once")
    return cleaned


def check_setting_name(name: str, field: str = "setting.name") -> str:
    """The name of a setting."""
    if not _SETTING.fullmatch(name):
        raise InvalidField(field, "letters, digits and . _ - / are allowed, 100 at most")
    return name


def check_setting(value_json: str) -> str:
    """What a setting holds; empty: nothing."""
    if len(value_json.encode()) > SETTING_BYTES:
        raise InvalidField("setting.value_json", f"at most {SETTING_BYTES} bytes")
    if value_json:
        try:
            json.loads(value_json)
        except (ValueError, RecursionError) as error:
            raise InvalidField("setting.value_json", "this is not JSON") from error
    return value_json


def is_id(text: str) -> bool:
    """It may be an id of a person or an invitation; what is not is not asked for."""
    return _ID.fullmatch(text) is not None


def check_request_id(request_id: str, *, least: int = 0) -> str:
    """A request id; empty means that the request has none. `least` is for those that prove who asks again."""
    if not _REQUEST_ID.fullmatch(request_id):
        raise InvalidField("request_id", f"at most {REQUEST_ID_BYTES} visible ASCII characters")
    if request_id and len(request_id) < least:
        raise InvalidField("request_id", f"at least {least} random characters are needed")
    return request_id


def sort_key(name: str) -> str:
    """What names are ordered and searched by, in any case."""
    return unicodedata.normalize("NFKC", name).casefold()


def search_text(name: str, tags: Iterable[str]) -> str:
    """What a query is looked for in; the line break keeps a word from reaching over two of them."""
    return "\n".join(sort_key(part) for part in (name, *tags))


def search_words(query: str) -> tuple[str, ...]:
    """Words that must all be contained."""
    words = sort_key(clean_line(query.replace("\t", " "), "query", QUERY_CHARACTERS)).split()
    if len(words) > QUERY_WORDS:
        raise InvalidField("query", f"at most {QUERY_WORDS} words")
    return tuple(words)
