"""The agent's own registration: when callers that keep connections are sent away, and when nothing happens."""

from __future__ import annotations

from outrider_agent.own_instance import FAIL, GONE_FOR, OK, OwnInstance, Told


class Driven:
    """An own instance that was registered, with its clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.own = OwnInstance()
        self.sees(200)

    def sees(self, status: int, *, knows_others: bool = True) -> None:
        """Ask when it is due; the local Consul agent gives this status for the instance."""
        self.now = max(self.now, self.own.due(self.now))
        if self.own.look(self.now).is_for_all:
            self.own.others(self.now, are_known=knows_others)
        else:
            self.own.seen(status, "hash", self.now)

    def sees_for(self, seconds: float, status: int, *, knows_others: bool = True) -> None:
        until = self.now + seconds
        while self.now < until:
            self.sees(status, knows_others=knows_others)


def test_a_registered_instance_is_ok_and_asked_for_by_its_content() -> None:
    driven = Driven()
    assert driven.own.wanted == OK
    assert driven.own.look(driven.now).content == "hash"


def test_an_instance_that_was_never_registered_is_not_missed() -> None:
    own = OwnInstance()
    for at in range(60):
        own.look(float(at))
        own.seen(404, "", float(at))
    assert own.wanted == ""


def test_a_registration_that_is_gone_for_a_second_makes_the_instance_fail() -> None:
    driven = Driven()
    started = driven.now
    while driven.own.wanted == OK:
        driven.sees(404)
    assert driven.own.wanted == FAIL
    assert GONE_FOR <= driven.now - started < GONE_FOR + 1.0


def test_a_registration_that_comes_back_in_time_changes_nothing() -> None:
    driven = Driven()
    driven.sees_for(0.6, 404)
    driven.sees(200)
    driven.sees(200)
    driven.sees_for(0.6, 404)
    assert driven.own.wanted == OK


def test_a_registration_that_comes_back_later_makes_it_ok_again() -> None:
    driven = Driven()
    driven.sees_for(3.0, 404)
    assert driven.own.wanted == FAIL
    driven.sees(200)
    assert driven.own.wanted == OK


def test_a_consul_that_has_forgotten_every_service_fails_nobody() -> None:
    driven = Driven()
    driven.sees_for(600.0, 404, knows_others=False)
    assert driven.own.wanted == OK


def test_errors_and_refusals_change_nothing() -> None:
    driven = Driven()
    for status in (403, 500, 429, 503):
        driven.sees_for(5.0, status)
    for _ in range(10):
        driven.own.unclear(driven.now)
    assert driven.own.wanted == OK


def test_an_error_makes_a_second_that_had_begun_void() -> None:
    driven = Driven()
    driven.sees_for(0.8, 404)
    driven.own.unclear(driven.now)
    driven.sees(404)
    driven.sees(404)
    assert driven.own.wanted == OK


def test_a_server_that_does_not_block_is_not_asked_in_a_hot_loop() -> None:
    driven = Driven()
    started = driven.now
    for _ in range(65):
        driven.sees(200)
    assert driven.now - started >= 29.0


def test_envoy_is_told_once_and_again_only_where_it_did_not_take_it() -> None:
    told = Told()
    assert told.due("") == float("inf")
    assert told.due(OK) == 0.0
    told.failed(5.0)
    assert told.due(OK) == 6.0
    told.confirmed(OK)
    assert (told.due(OK), told.due(FAIL)) == (float("inf"), 6.0)
