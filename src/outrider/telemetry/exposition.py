"""Prometheus' text exposition format, read into samples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# The format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text-based, version 0.0.4).
LINE = re.compile(r"^(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+-?\d+)?\s*$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
LARGEST = 2.0**63
"""Envoy counts in 64 bits."""
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One number of one series at the moment of the scrape."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float

    def label(self, name: str) -> str:
        """The label's value, or an empty text, which Prometheus treats as the same thing."""
        return dict(self.labels).get(name, "")


def samples(text: str) -> tuple[Sample, ...]:
    """All samples of a scrape; lines that are no sample (comments, half a line of a cut answer) are left out."""
    return tuple(_samples(text))


def _samples(text: str) -> Iterator[Sample]:
    for line in text.split("\n"):
        match = LINE.match(line)
        value = _number(match["value"]) if match else None
        if match and value is not None:
            yield Sample(match["name"], _labels(match["labels"] or ""), value)


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, _unescaped(value)) for name, value in LABEL.findall(text))


def _unescaped(value: str) -> str:
    return re.sub(r"\\[\\\"n]", lambda found: ESCAPES[found[0]], value) if "\\" in value else value


def _number(text: str) -> float | None:
    """A number that can be counted with: no NaN, no infinity, none so large that a sum would become one."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if abs(found) <= LARGEST else None
