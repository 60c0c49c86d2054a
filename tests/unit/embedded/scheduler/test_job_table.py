"""Documents found by their job, as if all had been looked at."""

from __future__ import annotations

from hypothesis import given, strategies
from outrider_embedded.scheduler.job_table import JobTable

STEPS = strategies.lists(strategies.tuples(strategies.booleans(), strategies.integers(0, 7)), max_size=40)


@given(STEPS)
def test_a_jobs_documents_are_those_that_name_it_in_their_order(steps: list[tuple[bool, int]]) -> None:
    table = JobTable()
    for number, (is_kept, which) in enumerate(steps):
        if is_kept:
            table[f"id-{which}"] = {"ID": f"id-{which}", "JobID": f"job-{which % 3}", "number": number}
        elif f"id-{which}" in table:
            del table[f"id-{which}"]
        for job in ("job-0", "job-1", "job-2", "none"):
            assert table.of_job(job) == [one for one in table.values() if one["JobID"] == job]


def test_a_table_that_was_cleared_or_filled_otherwise_tells_the_same() -> None:
    table = JobTable()
    table.update({"a": {"JobID": "job"}, "b": {"JobID": "job"}})
    assert table.pop("a") == {"JobID": "job"}
    assert len(table.of_job("job")) == 1
    table.clear()
    assert table.of_job("job") == []
