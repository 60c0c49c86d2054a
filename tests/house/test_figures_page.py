"""The page on figures names the script of each limit; ``make bench`` runs those, in the page's order."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "figures.md"


def _of_page() -> list[str]:
    first_table = PAGE.read_text().split("| figure | limit |", 1)[1].split("\n\n", 1)[0]
    rows = [line.split("|")[3] for line in first_table.splitlines() if line.count("|") > 3]
    return list(dict.fromkeys(name for row in rows for name in re.findall(r"`(\w+)\.py", row)))


def _of_make() -> list[str]:
    (named,) = re.findall(r"^BENCHES := ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return named.replace("\\\n", " ").split()


def test_make_bench_runs_what_the_page_names_in_its_order() -> None:
    assert _of_page() == _of_make()


def test_every_script_that_the_page_names_exists() -> None:
    assert [name for name in _of_page() if not (ROOT / "bench" / f"{name}.py").exists()] == []
