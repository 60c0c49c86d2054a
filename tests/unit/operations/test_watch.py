from __future__ import annotations

from dataclasses import replace

from fakes.shown import a_task, an_allocation

from outrider.nomad.read.deployment import Numbers
from outrider.operations.drive.progress import Progress


def numbers(placed: int, healthy: int, unhealthy: int) -> Numbers:
    return Numbers(desired=2, placed=placed, healthy=healthy, unhealthy=unhealthy, canaries=0, promoted=False)


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
