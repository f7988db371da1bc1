"""docs/errors.md says what the code says, and a reason means one thing."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

ROW = re.compile(r"\| `(?P<reason>[A-Z][A-Z0-9_]+)` \| (?P<part>[A-Za-z_]+) \| (?P<meaning>.+) \|")


@pytest.fixture(scope="module")
def sections(root: Path) -> dict[str, list[dict[str, str]]]:
    """Rows by category."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    section = ""
    for line in (root / "docs" / "errors.md").read_text().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif (row := ROW.fullmatch(line)) is not None and section.isupper():
            found[section].append(row.groupdict())
    return found


def test_the_document_is_as_the_code_has_it(root: Path) -> None:
    done = subprocess.run([root / "scripts" / "gen-errors", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_reason_has_one_category(sections: dict[str, list[dict[str, str]]]) -> None:
    categories: dict[str, set[str]] = defaultdict(set)
    for section, rows in sections.items():
        for row in rows:
            categories[row["reason"]].add(section)
    assert len(categories) > 80
    assert {reason: found for reason, found in categories.items() if len(found) > 1} == {}


def test_a_part_uses_a_reason_for_one_thing(sections: dict[str, list[dict[str, str]]]) -> None:
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for rows in sections.values():
        for row in rows:
            seen[row["part"], row["reason"]].add(row["meaning"])
    assert {key: meanings for key, meanings in seen.items() if len(meanings) > 1} == {}


def test_what_happened_is_a_sentence(sections: dict[str, list[dict[str, str]]]) -> None:
    meanings = [row["meaning"] for rows in sections.values() for row in rows]
    assert [meaning for meaning in meanings if not meaning.endswith(".") or not meaning[0].isupper()] == []
