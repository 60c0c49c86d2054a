"""How the pages say times, states and links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from outrider.portal import wording

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=-5), "0 seconds ago"),
        (timedelta(seconds=1), "1 second ago"),
        (timedelta(minutes=3), "3 minutes ago"),
        (timedelta(hours=23), "23 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_times_are_told_as_people_tell_them(before: timedelta, text: str) -> None:
    assert wording.ago(NOW - before, NOW) == text


def test_a_time_that_is_not_known_is_never() -> None:
    assert (wording.ago(None), wording.utc(None)) == ("never", "")


@pytest.mark.parametrize("state", ["running", "degraded", "deploying", "waiting", "stopped", "unknown", "not_placed"])
def test_every_state_has_a_shape_a_mood_and_words(state: str) -> None:
    assert wording.sign(state)
    assert wording.kind(state) in {"good", "busy", "warn", "calm", "bad"}
    assert "_" not in wording.words(state)
