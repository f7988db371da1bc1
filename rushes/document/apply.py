"""The fold: a document and a record give the next document and what became of the record."""

from rushes.annotation.v1.record_pb2 import Record
from rushes.document.document import Document
from rushes.document.result import Result
from rushes.document.rules import RULES, UnknownRules
from rushes.document.submitted import Submitted


def apply(document: Document, record: Record | Submitted) -> Result:
    """Applies a record in place, whole or not at all. Total: any record gives a result.

    Nothing that lands has unknown fields. Raises UnknownRules for a rule set that this program does not have: whoever
    folds stops with that video (quarantine) and skips nothing.
    """
    submitted = record if isinstance(record, Submitted) else Submitted.of(record)
    number = submitted.sender.rules
    rules = RULES.get(number)
    if rules is None:
        raise UnknownRules("the log was written by a newer program", rules=str(number))
    return rules(document, submitted)
