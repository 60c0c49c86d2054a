"""Times in Go's layouts, as Go's time.Format wrote them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from outrider_embedded.template_time import laid_out, timestamp

AFTERNOON = datetime(2026, 3, 5, 14, 7, 9, 123_456, UTC)
MIDNIGHT = datetime(2026, 11, 25, 0, 30, 59, 0, UTC)


@pytest.mark.parametrize(
    ("layout", "afternoon", "midnight"),
    [
        ("2006-01-02T15:04:05Z07:00", "2026-03-05T14:07:09Z", "2026-11-25T00:30:59Z"),
        ("2006-01-02", "2026-03-05", "2026-11-25"),
        ("15:04:05", "14:07:09", "00:30:59"),
        ("Mon Jan _2 15:04:05 2006", "Thu Mar  5 14:07:09 2026", "Wed Nov 25 00:30:59 2026"),
        ("Monday, 02-Jan-06 15:04:05 MST", "Thursday, 05-Mar-26 14:07:09 UTC", "Wednesday, 25-Nov-26 00:30:59 UTC"),
        ("3:04PM", "2:07PM", "12:30AM"),
        ("03:04pm", "02:07pm", "12:30am"),
        ("2.1.06", "5.3.26", "25.11.26"),
        ("15:04:05.000", "14:07:09.123", "00:30:59.000"),
        ("15:04:05.999999999", "14:07:09.123456", "00:30:59"),
        (".00 x", ".12 x", ".00 x"),
        ("002 __2", "064  64", "329 329"),
        ("Z0700 -0700 -07:00 -07", "Z +0000 +00:00 +00", "Z +0000 +00:00 +00"),
        ("2006-01-02T15:04:05Z", "2026-03-05T14:07:09Z", "2026-11-25T00:30:59Z"),
        ("", "", ""),
        ("unknown", "unknown", "unknown"),
        ("Jan January Mon Monday", "Mar March Thu Thursday", "Nov November Wed Wednesday"),
        ("1/2/2006", "3/5/2026", "11/25/2026"),
        ("20060102150405", "20260305140709", "20261125003059"),
        ("15h04m05s", "14h07m09s", "00h30m59s"),
    ],
)
def test_a_time_is_laid_out_as_go_lays_it_out(layout: str, afternoon: str, midnight: str) -> None:
    assert (laid_out(AFTERNOON, layout), laid_out(MIDNIGHT, layout)) == (afternoon, midnight)


def test_now_is_a_date_in_utc_or_seconds() -> None:
    assert timestamp().endswith("Z")
    assert timestamp("unix").isdecimal()
    with pytest.raises(ValueError, match="expected 0 or 1, but got 2"):
        timestamp("a", "b")
