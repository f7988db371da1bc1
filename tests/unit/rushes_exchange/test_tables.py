"""CSV and JSON."""

import csv
import json

import pytest
from hypothesis import given, settings

from rushes.exchange import csv_file, format, json_file
from rushes.exchange.error import InvalidNotesFile
from rushes.exchange.notes import Notes
from tests.unit.rushes_exchange.sample import FILM, NTSC, all_notes, comment, key, notes, video


def test_a_table_has_a_line_for_each_note_by_frame_with_its_timecode() -> None:
    written = notes(video(NTSC, "01:00:00;00"), comment(1, 30, "b", tags=["x", "y"]), comment(2, 2, "a\nb", last=5))
    rows = list(csv.DictReader(csv_file.write(written).decode().splitlines(keepends=True)))
    assert [(row["frame"], row["last_frame"], row["timecode"], row["author"], row["text"]) for row in rows] == [
        ("2", "5", "01:00:00;02", "Ann", "a\nb"),
        ("30", "30", "01:00:01;00", "Ann", "b"),
    ]
    assert rows[1]["tags"] == "x y"
    assert rows[1]["id"] == key(1).hex()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\tx", "\rx"])
def test_no_spreadsheet_takes_words_for_a_formula(text: str) -> None:
    rows = list(csv.DictReader(csv_file.write(notes(video(), comment(1, 0, text))).decode().split("\r\n")))
    assert rows[0]["text"].startswith("'")


@settings(max_examples=25, deadline=None)
@given(all_notes())
def test_json_comes_back_as_it_left(written: Notes) -> None:
    found = json_file.read(json_file.write(written), written.video)
    assert [item.annotation for item in found.items] == list(written.annotations)
    assert (found.video_id, found.outside) == (7, 0)


def test_json_says_what_video_it_is_of() -> None:
    document = json.loads(json_file.write(notes(video(FILM, "01:00:00:00"), comment(1, 30, "x"))))
    assert document["video"] == {
        "video_id": 7,
        "name": "sh010.mov",
        "rate": "24000/1001",
        "frame_count": 250,
        "width": 1920,
        "height": 1080,
        "start_timecode": "01:00:00:00",
    }
    assert document["annotations"][0]["timecode"] == "01:00:01:06"


def test_deleted_notes_and_notes_past_the_end_do_not_come_back() -> None:
    written = notes(video(), comment(1, 30, "x", deleted=True), comment(2, 249, "y"))
    found = json_file.read(json_file.write(written), video(frame_count=249))
    assert (found.items, found.outside) == ([], 1)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is not JSON"),
        (b"[]", "it holds no object"),
        (b"{}", "holds no notes of Rushes"),
        (b"\xff\xff", "not text in UTF-8"),
        (b'{"format": "rushes.notes/1", "annotations": [{"state": {"id": 5}}]}', "Note 1 of this file"),
        (b'{"format": NaN}', "NaN is no number"),
        (b"[" * 100_000, "it is not JSON"),
    ],
)
def test_what_is_wrong_with_a_json_file_is_said(data: bytes, said: str) -> None:
    with pytest.raises(InvalidNotesFile) as error:
        json_file.read(data, video())
    assert said in error.value.message


def test_a_files_ending_says_what_reads_it() -> None:
    assert [format.guess(name) for name in ("a.otio", "b.EDL", "c.json")] == ["otio", "edl", "json"]
    for name in ("a.csv", "edl", "a.mov"):
        with pytest.raises(InvalidNotesFile):
            format.guess(name)
    with pytest.raises(InvalidNotesFile):
        format.read(b"", "csv", video())
