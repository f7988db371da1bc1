"""What an upload says when it is given up."""

from rushes.client.upload import CutOff, given_up


def test_an_upload_that_is_given_up_says_what_the_server_said_last() -> None:
    assert str(given_up(CutOff("The disk is full."))) == "The disk is full."


def test_what_sockets_say_is_not_what_a_person_reads() -> None:
    for error in (CutOff(""), ConnectionResetError(104, "Connection reset by peer")):
        assert str(given_up(error)) == "The upload was cut too often; run it again."
