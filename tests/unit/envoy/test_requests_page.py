"""The page on requests has a row for each recorded request of a client, and names what a sidecar really does."""

from __future__ import annotations

import re
from pathlib import Path

from outrider.envoy.header_limits import HEADERS, HEADERS_KB

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs/explanation/requests.md").read_text()
RECORDINGS = REPOSITORY / "tests/recordings/requests"


def rows(heading: str) -> list[list[str]]:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_each_recorded_request_has_its_row_and_each_row_its_recordings() -> None:
    named = [name for row in rows("What clients send by default") for name in re.findall(r"`([a-z0-9-]+)`", row[-1])]
    assert sorted(named) == sorted(file.stem for file in RECORDINGS.glob("*.raw"))


def test_the_page_says_the_limits_of_headers_as_they_are() -> None:
    assert f"{HEADERS_KB} KB, {HEADERS:,} of them" in PAGE
