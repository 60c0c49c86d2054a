"""The page on failures names a test for each; the tests exist, and no failure of the catalogue is left out."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "failures.md"
OF_DEPLOYS = ROOT / "docs" / "explanation" / "failing-deploys.md"
FROM_CONSUL = (1, 2, 4, 5, 6, 7, 9, 10, 11, 13, 15, 16, 17, 18, 19, 21, 22, 23, 25, 26)
OF_A_DEPLOY = (1, 2, 3, 4, 5, 6, 8, 9, 11, 13, 16, 21)
TO_ENVOY = (1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 15, 16)


def _named() -> list[tuple[str, str]]:
    pages = PAGE.read_text() + OF_DEPLOYS.read_text()
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", pages)


def _rows(page: Path = PAGE) -> list[list[str]]:
    lines = [line for line in page.read_text().splitlines() if line.startswith("| ") and not line.startswith("| |")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_test_that_the_page_names_exists() -> None:
    missing = [
        f"{path}::{name}"
        for path, name in _named()
        if not (ROOT / path).exists() or not re.search(rf"\b(def|class) {name}\b", (ROOT / path).read_text())
    ]
    assert missing == []


def test_every_failure_of_the_catalogue_has_its_line() -> None:
    numbers = [row[0] for row in _rows()]
    assert sorted(numbers) == sorted([*(f"A{one:02}" for one in FROM_CONSUL), *(f"B{one:02}" for one in TO_ENVOY)])


def test_every_failure_of_a_deploy_has_its_line_with_a_test_that_bears_its_number() -> None:
    rows = [row for row in _rows(OF_DEPLOYS) if re.fullmatch(r"D\d\d", row[0])]
    assert [row[0] for row in rows] == [f"D{one:02}" for one in OF_A_DEPLOY]
    assert [row[0] for row in rows if f"::test_{row[0].lower()}_" not in row[-1]] == []


def test_every_line_names_a_proof() -> None:
    assert [row[0] for row in _rows() if not re.search(r"`tests/[\w/]+\.py::\w+`", row[-1])] == []


def test_a_proof_that_bears_a_number_bears_that_of_its_line() -> None:
    wrong = [
        (row[0], name)
        for row in _rows()
        for name in re.findall(r"::test_([ab]\d\d)_", row[-1])
        if name.upper() != row[0] and not (row[0] == "B02" and name == "b03")
    ]
    assert wrong == []
