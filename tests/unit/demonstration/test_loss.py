from __future__ import annotations

import pytest

from outrider.programs.demonstration.load import Load, Outcome
from outrider.programs.demonstration.loss import Kill, verdict

KILL = Kill(begin=10.0, end=10.1, processes=3)


def _account(*outcomes: Outcome) -> Load:
    return Load(100.0, list(outcomes))


def test_nothing_lost_holds() -> None:
    assert verdict(_account(Outcome(1, "GET", 9.9, 10.3, 200)), KILL).holds


def test_a_post_that_was_in_flight_on_the_victim_is_excused_and_listed() -> None:
    finding = verdict(_account(Outcome(7, "POST", 9.9, 10.05, 503, "reset")), KILL)
    assert finding.holds
    assert finding.cases == ("request 7: POST, 503 after 150 ms reset",)


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(Outcome(1, "GET", 9.9, 10.05, 503), id="a GET can be sent again, so none may be lost"),
        pytest.param(Outcome(1, "POST", 10.2, 10.3, 503), id="a POST sent after the end could have gone elsewhere"),
        pytest.param(Outcome(1, "POST", 9.0, 9.5, 503), id="a POST that ended before the kill has another cause"),
    ],
)
def test_any_other_loss_is_a_failure(lost: Outcome) -> None:
    assert not verdict(_account(lost), KILL).holds


def test_a_proof_without_requests_or_without_a_victim_is_none() -> None:
    assert not verdict(_account(), KILL).holds
    assert not verdict(_account(Outcome(1, "GET", 1.0, 1.1, 200)), Kill(10.0, 10.1, 0)).holds
