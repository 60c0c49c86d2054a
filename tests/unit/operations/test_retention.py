"""What may be forgotten of a service: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from outrider.operations.records import Deployment, Past, VersionSummary
from outrider.operations.upkeep.retention import ALWAYS_KEPT, Bounds, forgettable

NOW = datetime(2026, 11, 27, tzinfo=UTC)
DAY = timedelta(days=1)
BOUNDS = Bounds(versions=3, since=NOW - 10 * DAY)


def version(number: int) -> VersionSummary:
    return VersionSummary("stage", "web", number, f"h{number}", "http", "f", "ada", NOW)


def deployment(number: int, days_ago: float, **more: object) -> Deployment:
    at = NOW - days_ago * DAY
    made = Deployment(f"d{number}@{days_ago}", "stage", "web", "run", "successful", "ada", at, version=number)
    return replace(made, modify_index=7, ended_at=at, **more)  # type: ignore[arg-type]


def past(versions: int, *deployments: Deployment) -> Past:
    return Past("stage", "web", tuple(version(one + 1) for one in range(versions)), deployments)


def busy(number: int) -> tuple[Deployment, ...]:
    """So many young deployments of one version that no older one is among the newest."""
    return tuple(deployment(number, one / 100) for one in range(ALWAYS_KEPT))


def test_the_newest_versions_stay_whether_or_not_they_were_deployed() -> None:
    assert forgettable(past(5), BOUNDS, frozenset()).versions == {1, 2}
    assert not forgettable(past(3), BOUNDS, frozenset())


def test_a_version_that_nomad_knows_stays() -> None:
    assert forgettable(past(5), BOUNDS, frozenset({"h1"})).versions == {2}


def test_a_rejected_version_stays_so_that_it_is_known_as_one() -> None:
    assert forgettable(replace(past(5), marked=frozenset({2})), BOUNDS, frozenset()).versions == {1}


def test_an_old_deployment_goes_with_its_version_and_a_young_one_keeps_both() -> None:
    old, young = deployment(1, 11), deployment(2, 9)
    found = forgettable(past(9, old, young, *busy(9)), BOUNDS, frozenset())
    assert (found.versions, found.deployments) == ({1, 3, 4, 5, 6}, {old.id})


def test_a_deployment_that_ended_within_the_days_is_young_and_so_is_one_on_the_day_itself() -> None:
    slow = replace(deployment(1, 30), ended_at=NOW - 9 * DAY)
    exactly = deployment(2, 10)
    found = forgettable(past(9, slow, exactly, *busy(9)), BOUNDS, frozenset())
    assert (found.versions, found.deployments) == ({3, 4, 5, 6}, frozenset())


def test_the_newest_deployments_stay_whatever_their_age() -> None:
    done = [deployment(9, 100 + one) for one in range(ALWAYS_KEPT + 2)]
    found = forgettable(past(9, *done), BOUNDS, frozenset())
    assert found.deployments == {one.id for one in done[-2:]}


def test_what_is_under_way_stays_with_what_it_goes_back_to() -> None:
    waiting = replace(deployment(2, 50, state="waiting", previous=1), ended_at=None)
    found = forgettable(past(9, waiting, *busy(9)), BOUNDS, frozenset())
    assert (found.versions, found.deployments) == ({3, 4, 5, 6}, frozenset())


def test_what_ran_last_stays_though_all_that_came_after_failed() -> None:
    good = deployment(1, 90)
    failed = [deployment(9, 40 + one, state="failed") for one in range(ALWAYS_KEPT)]
    found = forgettable(past(9, *failed, good), BOUNDS, frozenset())
    assert (found.versions, found.deployments) == ({2, 3, 4, 5, 6}, frozenset())


def test_what_only_found_nothing_to_do_is_not_what_ran_last() -> None:
    good, nothing = deployment(1, 90), replace(deployment(2, 80), modify_index=None)
    found = forgettable(
        past(9, nothing, good, *[replace(one, modify_index=None) for one in busy(9)]), BOUNDS, frozenset()
    )
    assert (1 in found.versions, 2 in found.versions) == (False, True)


def test_of_a_version_that_stays_the_last_deployment_stays_too_and_the_last_that_succeeded() -> None:
    """By them a rollback knows whether it has run."""
    older, good, failed = deployment(8, 50), deployment(8, 40), deployment(8, 30, state="failed")
    found = forgettable(past(9, older, good, failed, *busy(9)), BOUNDS, frozenset())
    assert found.deployments == {older.id}


def test_what_stays_for_the_sake_of_a_version_keeps_the_version_that_it_names() -> None:
    found = forgettable(past(9, deployment(8, 40, previous=2), *busy(9)), BOUNDS, frozenset())
    assert 2 not in found.versions
