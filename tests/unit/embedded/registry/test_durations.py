"""Go's durations."""

from __future__ import annotations

import pytest
from outrider_embedded.registry.durations import seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [("10s", 10), ("1m30s", 90), ("1h", 3600), ("250ms", 0.25), ("1.5s", 1.5), ("0", 0), ("-2s", -2), (".5s", 0.5)],
)
def test_a_duration_is_read_as_go_reads_it(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


def test_a_number_is_nanoseconds() -> None:
    assert seconds(10_000_000_000) == pytest.approx(10)


@pytest.mark.parametrize("text", ["", "x", "10", "10 s", "s", "1d", "1s2"])
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"^time: "):
        seconds(text)
