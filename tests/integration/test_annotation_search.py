"""Notes are found by what was typed, the same on every engine that keeps history, and after a start."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.annotation.v1 import annotation_service_pb2 as service
from svc_annotation.config import AnnotationConfig
from tests.integration.annotation_notes import create, identity_of
from tests.integration.annotation_server import CLIENT, GUEST, INTERNAL, Place, serving

TODAY = datetime.now(UTC).date()
TEXTS = {
    "sky": "The sky is too blue here",
    "zh": "天空的颜色太蓝了",
    "ja": "空の色が青すぎます",
    "ko": "하늘이 너무 파랗습니다",
    "grade": "Grade the Straße again",
    "secret": "The budget of the sky",
}
ANSWERS = {
    "sky": ["secret", "sky"],
    "SKY blue": ["sky"],
    "lu": ["sky"],
    "色": ["ja", "zh"],
    "颜色": ["zh"],
    "青す": ["ja"],
    "파": ["ko"],
    "너무": ["ko"],
    "STRASSE": ["grade"],
    '"sky is"': ["sky"],
    "tag:colour": ["grade"],
    "author:bo": ["grade", "ko"],
    "author:bo tag:colour": ["grade"],
    "frame:20": ["ja"],
    "frame:10-20": ["ja", "zh"],
    "kind:text": [],
    "is:resolved": ["ko"],
    "is:open frame:30-40": ["grade"],
    f"before:{TODAY - timedelta(1)}": [],
    f"after:{TODAY - timedelta(2)} the": ["grade", "secret", "sky"],
    "frame:20 author:bo": [],
}
"""What was typed, and the names of the notes that somebody finds who may read all of them, in order of name."""


def fields(name: str, *values: operation_pb2.FieldValue) -> operation_pb2.Operation:
    """Sets fields of a note."""
    return operation_pb2.Operation(set_fields=operation_pb2.SetFieldsOperation(id=identity_of(name), fields=values))


async def write(place: Place) -> None:
    """Six notes by two people on five frames, one of them internal."""
    ann, bob = await place.session("ann"), await place.session("bob")
    await ann.submit(
        create("sky", text=TEXTS["sky"], frame=0),
        create("zh", text=TEXTS["zh"], frame=10),
        create("ja", text=TEXTS["ja"], frame=20),
        create("secret", text=TEXTS["secret"], frame=50, audience=INTERNAL),
    )
    await ann.landed()
    await bob.submit(
        create("ko", text=TEXTS["ko"], frame=30),
        create("grade", text=TEXTS["grade"], frame=40),
        fields("ko", operation_pb2.FieldValue(field="resolved", flag=True)),
        fields("grade", operation_pb2.FieldValue(field="tags/colour", flag=True)),
    )
    await bob.landed()


async def found(place: Place, typed: str, person: str, audience: int = 0) -> list[str]:
    """Names of the notes that a query finds, in pages of two."""
    texts: list[str] = []
    request = service.ListAnnotationsRequest(
        video_id=1,
        query=typed,
        page_size=2,
        audience=audience,  # type: ignore[arg-type]
    )
    while True:
        answer = await place.stub.ListAnnotations(request, metadata=place.as_person(person))
        texts += [each.text for each in answer.annotations]
        request.page_token = answer.next_page_token
        if not request.page_token:
            return sorted(name for name, text in TEXTS.items() if text in texts)


async def check(place: Place) -> None:
    """Everybody finds what they may read of it."""
    place.people.grant("guest", GUEST)
    for typed, names in ANSWERS.items():
        assert await found(place, typed, "ann") == names, typed
        for person, audience in (("guest", 0), ("guest", INTERNAL), ("ann", CLIENT)):
            readable = [name for name in names if name != "secret"]
            assert await found(place, typed, person, audience) == readable, (typed, person)


@pytest.mark.parametrize("engine", ["sqlite", "mongo"])
async def test_the_same_is_found_on_every_engine_and_after_a_start(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    config = AnnotationConfig()
    if engine == "mongo":
        config = AnnotationConfig(mongo=f"{request.getfixturevalue('mongo_url')}notes-{uuid.uuid4().hex}")
    async with serving(tmp_path, config) as place:
        await write(place)
        await check(place)
    async with serving(tmp_path, config) as place:
        await check(place)


async def test_the_note_that_a_query_finds_is_whole(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        await write(place)
        request = service.ListAnnotationsRequest(video_id=1, query="tag:colour")
        [note] = (await place.stub.ListAnnotations(request, metadata=place.as_person("ann"))).annotations
    assert (note.id, note.author_id, note.kind) == (
        identity_of("grade"),
        "bob",
        annotation_pb2.ANNOTATION_KIND_COMMENT,
    )
    assert list(note.tags) == ["colour"]
