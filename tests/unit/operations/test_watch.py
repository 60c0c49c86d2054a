from __future__ import annotations

from dataclasses import replace

from fakes.shown import a_task, an_allocation

from outrider.nomad.read.deployment import Numbers
from outrider.operations.drive.progress import Progress


def numbers(placed: int, healthy: int, unhealthy: int, *, promoted: bool = False) -> Numbers:
    return Numbers(desired=2, placed=placed, healthy=healthy, unhealthy=unhealthy, canaries=0, promoted=promoted)


class Clock:
    """Goes on by one second at each news."""

    def __init__(self) -> None:
        self.now = 0.0
        self.progress = Progress(lambda: self.now)

    def after(self, *news: Numbers) -> tuple[float, int]:
        """Since when nothing has got better, and how many have failed since."""
        for one in news:
            self.now += 1
            self.progress.news_of(one)
        return self.progress.still_for_s, self.progress.failures


def test_replacements_of_failed_allocations_are_no_progress() -> None:
    now = 0.0
    progress = Progress(lambda: now)
    for placed, unhealthy in ((1, 0), (2, 1), (3, 2), (4, 3)):
        now += 10
        assert progress.news_of(numbers(placed, 0, unhealthy))
    assert progress.still_for_s == 20
    assert progress.failures == 3


def test_a_healthy_allocation_forgives_those_that_failed_before() -> None:
    progress = Progress(lambda: 0.0)
    progress.news_of(numbers(2, 0, 2))
    progress.news_of(numbers(2, 1, 2))
    assert progress.failures == 0


def test_the_same_numbers_are_no_news() -> None:
    progress = Progress(lambda: 0.0)
    assert progress.news_of(numbers(1, 0, 0))
    assert not progress.news_of(numbers(1, 0, 0))


def test_of_a_sidecar_that_restarts_for_ever_fewer_and_fewer_restarts_are_news() -> None:
    progress = Progress(lambda: 0.0)
    one = an_allocation(1, healthy=None)
    told = [
        restarts
        for restarts in range(1, 40)
        if progress.news_among((replace(one, tasks=(a_task("envoy", restarts=restarts),)),))
    ]
    assert told == [1, 2, 4, 8, 16, 32]


def test_replacements_are_not_counted_against_what_is_wanted() -> None:
    assert str(numbers(3, 0, 2)) == "3 placed, 0 healthy, 2 unhealthy"
    assert str(numbers(1, 1, 0)) == "1 of 2 placed, 1 healthy"


def test_stillness_counts_from_the_beginning_and_nothing_has_failed_by_then() -> None:
    clock = Clock()
    clock.now = 5.0
    assert (clock.progress.still_for_s, clock.progress.failures) == (5.0, 0)
    clock.progress.restart()
    assert clock.after(numbers(0, 0, 1)) == (1.0, 1)


def test_a_placement_an_allocation_that_is_healthy_and_a_promotion_are_progress() -> None:
    clock = Clock()
    assert clock.after(numbers(1, 0, 0)) == (0.0, 0)
    assert clock.after(numbers(1, 0, 1)) == (1.0, 1)
    assert clock.after(numbers(1, 1, 1)) == (0.0, 0)
    assert clock.after(numbers(1, 1, 2), numbers(1, 1, 2, promoted=True)) == (0.0, 0)


def test_an_allocation_that_becomes_healthy_again_is_no_progress() -> None:
    clock = Clock()
    clock.after(numbers(2, 2, 0), numbers(2, 1, 0), numbers(2, 1, 0, promoted=True))
    assert clock.after(numbers(2, 2, 0, promoted=True)) == (1.0, 0)
