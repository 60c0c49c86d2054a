"""How often a watch may ask."""

from __future__ import annotations

from outrider_agent.pace import BackOff, Bucket


def test_a_bucket_gives_a_burst_at_once_and_then_its_rate() -> None:
    bucket = Bucket(burst=3, rate=10)
    for _ in range(3):
        assert bucket.ready_at(100.0) == 100.0
        bucket.take(100.0)
    assert bucket.ready_at(100.0) == 100.1
    bucket.take(100.1)
    assert bucket.ready_at(100.1) > 100.19


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = Bucket(burst=2, rate=10)
    for _ in range(2):
        bucket.take(1000.0)
    assert bucket.ready_at(1000.0) > 1000.0


def test_back_off_doubles_up_to_its_longest_and_draws_from_zero() -> None:
    longest = BackOff(0.5, 30.0, lambda: 1.0)
    assert [longest.pause() for _ in range(8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert BackOff(0.5, 30.0, lambda: 0.0).pause() == 0.0


def test_success_resets_back_off() -> None:
    back_off = BackOff(0.5, 30.0, lambda: 1.0)
    back_off.pause()
    back_off.reset()
    assert back_off.pause() == 0.5


def test_a_long_outage_does_not_overflow() -> None:
    back_off = BackOff(0.5, 30.0, lambda: 1.0)
    assert {back_off.pause() for _ in range(2000)} <= {0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0}
