"""Headers of tus: what is understood, and that nothing else than a clear refusal comes of the rest."""

import base64
import contextlib
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rushes.errors import InvalidArgument
from svc_media.core import tus

text = st.text(max_size=300)
token = st.text(st.characters(codec="ascii", exclude_characters=" ,"), min_size=1, max_size=20)
printable = token.filter(str.isprintable)


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


@given(st.dictionaries(printable, text, max_size=8))
def test_metadata_is_read_as_it_was_written(metadata: dict[str, str]) -> None:
    header = ",".join(f"{key} {encoded(value.encode())}" for key, value in metadata.items())
    if len(header) <= tus.MAX_METADATA_BYTES:
        assert tus.parse_metadata(header) == metadata


def test_a_key_without_a_value_is_empty() -> None:
    assert tus.parse_metadata("draft, name YQ== ,") == {"draft": "", "name": "a"}


@pytest.mark.parametrize("header", ["a YQ==,a YQ==", "ä YQ==", "a ?", "a /w==", "a b c", "a" * 9000, "\ud800 YQ=="])
def test_metadata_that_makes_no_sense_is_refused(header: str) -> None:
    with pytest.raises(InvalidArgument):
        tus.parse_metadata(header)


@pytest.mark.parametrize("algorithm", sorted(tus.CHECKSUMS))
@given(pieces=st.lists(st.binary(max_size=100)))
def test_a_checksum_is_of_all_pieces_together(algorithm: str, pieces: list[bytes]) -> None:
    whole = tus.CHECKSUMS[algorithm]()
    whole.update(b"".join(pieces))
    checksum = tus.parse_checksum(f"{algorithm} {encoded(whole.digest())}")
    assert checksum is not None
    running = checksum.start()
    for piece in pieces:
        running.update(memoryview(piece))
    assert running.digest() == checksum.digest


def test_crc32c_is_the_one_of_castagnoli() -> None:
    running = tus.CHECKSUMS["crc32c"]()
    running.update(b"123456789")
    assert running.digest().hex() == "e3069283"


def test_no_checksum_is_none() -> None:
    assert tus.parse_checksum("") is None


@pytest.mark.parametrize(
    "header",
    ["md5 AAAA", "sha256", "sha256 ", "sha256 ?", "SHA256 " + encoded(bytes(32)), "sha1 " + encoded(bytes(32))],
)
def test_a_checksum_that_makes_no_sense_is_refused(header: str) -> None:
    with pytest.raises(InvalidArgument):
        tus.parse_checksum(header)


@given(st.integers(0, 2**53))
def test_numbers_are_read(number: int) -> None:
    assert tus.parse_number(str(number), "n") == number


@pytest.mark.parametrize("header", ["", "-1", "+1", " 1", "1 ", "1_0", "1e3", "0x1", "٣", "²", "9" * 16, "9" * 5000])
def test_what_is_no_number_is_refused(header: str) -> None:
    with pytest.raises(InvalidArgument):
        tus.parse_number(header, "n")


@given(text)
@example("../../etc/passwd")
@example("C:\\x\0y\u202e.mp4")
@example("." * 300)
def test_a_name_has_no_folders_no_control_characters_and_fits(name: str) -> None:
    shown = tus.safe_name(name)
    assert 1 <= len(shown) <= tus.MAX_NAME_CHARS
    assert shown.isprintable()
    assert not {"/", "\\"} & set(shown)
    assert shown not in (".", "..")
    shown.encode()
    assert tus.safe_name(shown) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("clip.mov", "clip.mov"),
        ("/tmp/a/clip.mov", "clip.mov"),
        ("..", "untitled"),
        ("a/", "untitled"),
        ("x" * 254 + " y", "x" * 254),
        ("  .映像.mov ", "映像.mov"),
    ],
)
def test_names_are_shown_as_people_know_them(name: str, shown: str) -> None:
    assert tus.safe_name(name) == shown


def test_parts_and_wholes_are_told_apart() -> None:
    assert tus.parse_concat("") == tus.Concat()
    assert tus.parse_concat(" partial ") == tus.Concat(partial=True)
    whole = tus.parse_concat("final;/uploads/a http://host/uploads/b/ c")
    assert whole == tus.Concat(parts=("a", "b", "c"))


@pytest.mark.parametrize(
    "header", ["final", "final;", "final; ", "whole;/a", "partial;", "final;/a /a", "final;" + " /".join("x" * 66)]
)
def test_a_concatenation_that_makes_no_sense_is_refused(header: str) -> None:
    with pytest.raises(InvalidArgument):
        tus.parse_concat(header)


def test_a_place_is_within_its_whole() -> None:
    assert tus.parse_place({}, 5) is None
    place = tus.parse_place({"group": "abcdefgh", "at": "5", "total": "10"}, 5)
    assert place == tus.Place("abcdefgh", 5, 10)
    for metadata in (
        {"group": "abcdefgh", "at": "6", "total": "10"},
        {"group": "abcdefgh", "total": "10"},
        {"group": "abcdefg", "at": "5", "total": "10"},
        {"group": "../abcdefgh", "at": "5", "total": "10"},
        {"group": "äbcdefgh", "at": "5", "total": "10"},
    ):
        with pytest.raises(InvalidArgument):
            tus.parse_place(metadata, 5)


PARSERS: list[Callable[[str], Any]] = [
    tus.parse_metadata,
    tus.parse_checksum,
    tus.parse_concat,
    lambda header: tus.parse_number(header, "n"),
    lambda header: tus.parse_place({"group": header, "at": header, "total": header}, 1),
    tus.safe_name,
]
words = st.lists(
    st.sampled_from(["sha1", "sha256", "crc32c", "final;", "partial", "/uploads/", "name", " ", ",", ";", "=", "YQ=="])
).map("".join)
raw = st.binary().map(lambda octets: octets.decode("utf-8", "surrogateescape"))
anything = st.text(st.characters(), max_size=40)


@given(st.one_of(anything, raw, words))
@example("sha256 " + encoded(hashlib.sha256(b"").digest()))
@example("\udcff")
def test_whatever_comes_is_understood_or_refused(header: str) -> None:
    for parse in PARSERS:
        with contextlib.suppress(InvalidArgument):
            parse(header)


@pytest.mark.parametrize(("said", "rate"), [("", ""), ("24", "24"), ("24000/1001", "24000/1001"), ("50/2", "25")])
def test_a_rate_is_a_fraction_in_its_lowest_terms(said: str, rate: str) -> None:
    assert tus.parse_rate(said) == rate


@pytest.mark.parametrize("said", ["0", "-24", "23.976", "1000", "24/", "24/1/1", "1/1001", "fast"])
def test_a_rate_that_makes_no_sense_is_refused(said: str) -> None:
    with pytest.raises(InvalidArgument):
        tus.parse_rate(said)
