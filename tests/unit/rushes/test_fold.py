"""What becomes of records: every way of being taken and refused, and that a refusal leaves nothing behind."""

import pytest

from rushes.document import Applied, Document, Duplicate, Ignored, Refused, apply
from rushes.document.refusal import REASONS
from tests.unit.rushes.builder import VIDEO
from tests.unit.rushes.cases import APPLIED, DUPLICATE, IGNORED, Case, cases


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name.replace(" ", "-"))
def test_a_record_becomes_what_its_case_says(case: Case) -> None:
    document = Document(VIDEO, 1)
    for record in case.records[:-1]:
        apply(document, record)
    before = document.to_state()
    result = apply(document, case.records[-1])
    if isinstance(result, Applied):
        assert case.becomes == APPLIED
        assert document.revision == before.revision + 1 == result.commit.revision
        assert result.ordinal == before.ordinal
        return
    after = document.to_state()
    assert after.annotations == before.annotations
    assert after.revision == before.revision
    if isinstance(result, Refused):
        assert result.refusal.reason == case.becomes
        assert (result.refusal.code, result.refusal.message) == REASONS[case.becomes]
        assert result.at == before.revision
        assert after.ordinal == before.ordinal + 1 == result.ordinal + 1
        return
    assert after == before
    if isinstance(result, Duplicate):
        assert case.becomes == DUPLICATE
    elif isinstance(result, Ignored):
        assert case.becomes == (result.refusal.reason if result.refusal else IGNORED)


def test_every_reason_that_a_fold_gives_has_a_case() -> None:
    elsewhere = {"BATCH_TOO_LARGE", "ALREADY_USED", "TEXT_TOO_FAR_BEHIND", "TOO_MANY_ANNOTATIONS"}
    assert {case.becomes for case in cases()} - {APPLIED, DUPLICATE, IGNORED} == set(REASONS) - elsewhere
