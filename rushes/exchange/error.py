"""What is wrong with a file of notes."""

from rushes.errors import InvalidArgument


class InvalidNotesFile(InvalidArgument):
    """The file cannot be read as what it should be; the message says where and why."""

    reason = "INVALID_NOTES_FILE"


class NotesElsewhere(InvalidArgument):
    """The file can be read, but none of its notes lies on a frame of the video."""

    reason = "NOTES_ELSEWHERE"
