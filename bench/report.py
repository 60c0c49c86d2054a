"""The one form of every benchmark: a table of figures beside their limits, a JSON file and a verdict in the last line."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
COLUMNS = ("figure", "measured", "limit", "ok")


@dataclass(frozen=True)
class Figure:
    """One measured number; ``limit`` is the largest allowed value unless ``at_least`` (None: reported, never judged)."""

    name: str
    measured: float
    limit: float | None = None
    unit: str = ""
    at_least: bool = False

    @property
    def holds(self) -> bool:
        if self.limit is None:
            return True
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so many of them do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def shown(value: float, unit: str) -> str:
    return f"{value:,.{0 if value >= 1000 else 2}f} {unit}".strip()


def row(figure: Figure) -> tuple[str, str, str, str]:
    if figure.limit is None:
        return figure.name, shown(figure.measured, figure.unit), "", ""
    limit = ("≥ " if figure.at_least else "≤ ") + shown(figure.limit, figure.unit)
    return figure.name, shown(figure.measured, figure.unit), limit, "yes" if figure.holds else "NO"


def table(figures: list[Figure]) -> str:
    rows = [COLUMNS, *(row(figure) for figure in figures)]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() for cells in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def noise() -> tuple[str, ...]:
    """A warning where others use this machine, too: then latencies and shares of a core say little."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    return (f"this machine is busy: load {load:.1f} on {cores} cores",) if load > 1.5 * cores else ()


def verdict(name: str, figures: list[Figure]) -> str:
    broken = [figure.name for figure in figures if not figure.holds]
    if broken:
        return f"{name}: NOT HELD: {'; '.join(broken)}"
    return f"{name}: every limit holds"


def report(name: str, figures: list[Figure], notes: tuple[str, ...] = ()) -> int:
    """Print the table and the verdict, write ``bench/results/NAME.json``; the exit code: 0 when every limit holds."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    notes = (*notes, *noise())
    document = {
        "name": name,
        "notes": notes,
        "figures": [asdict(figure) | {"holds": figure.holds} for figure in figures],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    lines = [table(figures), *notes, verdict(name, figures)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if all(figure.holds for figure in figures) else 1
