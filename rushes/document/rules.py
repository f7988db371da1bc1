"""The published rule sets. A record names the one that applies it, so that yesterday and today never disagree."""

from collections.abc import Callable
from typing import Final

from rushes.document import fold
from rushes.document.document import Document
from rushes.document.result import Result
from rushes.document.submitted import Submitted
from rushes.errors import Unavailable

RULES: Final[dict[int, Callable[[Document, Submitted], Result]]] = {1: fold.fold}
"""Number -> what applies a record. None is ever edited or taken out; its vectors stay."""

NEWEST: Final = 1
"""To be stamped on records, once configuration says that all instances know it."""


class UnknownRules(Unavailable):
    """A record of a newer rule set than this instance knows: it must not go on with that video."""

    reason = "UNKNOWN_RULES"
