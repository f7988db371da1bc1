"""Ranges and conditions of HTTP."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_media.core.byterange import Answer, answer_to

TAG = "abc"


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({}, Answer(200, 0, 100)),
        ({"Range": "bytes=0-9"}, Answer(206, 0, 10)),
        ({"Range": "bytes=99-"}, Answer(206, 99, 1)),
        ({"Range": "bytes=-1"}, Answer(206, 99, 1)),
        ({"Range": "bytes=-1000"}, Answer(206, 0, 100)),
        ({"Range": "bytes=0-1000"}, Answer(206, 0, 100)),
        ({"Range": "bytes=100-"}, Answer(416)),
        ({"Range": "bytes=-0"}, Answer(416)),
        ({"Range": "bytes=9-8"}, Answer(200, 0, 100)),
        ({"Range": "bytes=-"}, Answer(200, 0, 100)),
        ({"Range": "bytes=0-1,3-4"}, Answer(200, 0, 100)),
        ({"Range": "bytes=٣-"}, Answer(200, 0, 100)),
        ({"Range": "bytes=0-9", "If-Range": '"abc"'}, Answer(206, 0, 10)),
        ({"Range": "bytes=0-9", "If-Range": 'W/"abc"'}, Answer(200, 0, 100)),
        ({"Range": "bytes=0-9", "If-Range": '"x"'}, Answer(200, 0, 100)),
        ({"If-None-Match": '"abc"'}, Answer(304)),
        ({"If-None-Match": 'W/"abc"', "Range": "bytes=0-9"}, Answer(304)),
        ({"If-None-Match": '"x", "abc"'}, Answer(304)),
        ({"If-None-Match": "abc"}, Answer(200, 0, 100)),
        ({"If-None-Match": "*"}, Answer(304)),
        ({"If-Match": "*"}, Answer(200, 0, 100)),
        ({"If-Match": 'W/"abc"'}, Answer(412)),
        ({"If-Match": '"x"', "If-None-Match": '"abc"'}, Answer(412)),
    ],
)
def test_requests_are_answered_as_the_rfc_says(headers: dict[str, str], answer: Answer) -> None:
    assert answer_to(headers, 100, TAG) == answer


headers = st.dictionaries(
    st.sampled_from(["Range", "If-Range", "If-Match", "If-None-Match"]),
    st.one_of(
        st.text(max_size=50),
        st.from_regex(r"bytes=\d{0,25}-\d{0,25}", fullmatch=True),
        st.from_regex(r'(W/)?"\w{0,3}"', fullmatch=True),
    ),
)


@given(headers, st.integers(0, 1 << 50))
def test_whatever_is_asked_no_byte_outside_the_file_is_sent(headers: dict[str, str], size_bytes: int) -> None:
    answer = answer_to(headers, size_bytes, TAG)
    assert 0 <= answer.begin <= answer.begin + answer.length <= size_bytes
    if answer.status == 206:
        assert answer.length > 0
    else:
        assert answer.length == (size_bytes if answer.status == 200 else 0)
