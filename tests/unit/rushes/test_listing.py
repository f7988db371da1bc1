"""What `rushes list` prints."""

from rushes.command.listing import line
from rushes.project.v1.project_service_pb2 import Asset, Cut


def test_an_asset_is_listed_with_the_number_of_each_cut() -> None:
    cuts = [Cut(number=2, video_id=9), Cut(number=1, video_id=4)]
    asset = Asset(asset_id=3, name="shot.mov", status="approved", cuts=cuts)
    assert line(asset) == "  asset 3      shot.mov  [approved]  v2: video 9  v1: video 4"


def test_an_asset_without_a_cut_says_so() -> None:
    assert line(Asset(asset_id=12, name="empty", status="wip")).endswith("empty  [wip]  no cut yet")
