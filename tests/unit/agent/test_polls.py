"""Long polls: which are answered at once, which are held, and for how long."""

from __future__ import annotations

import pytest
from outrider_agent.discovery import Answer, Question
from outrider_agent.endpoints import Endpoint
from outrider_agent.polls import LONGEST_HOLD, MOST_UNKNOWN, REFUSED_HOLD, Poll, Polls, hold_of

ONE = Answer("web", (Endpoint("10.0.0.1", 80),))
TWO = Answer("web", (Endpoint("10.0.0.1", 80), Endpoint("10.0.0.2", 80)))
HOLD = 50.0


def poll(version: str = "", label: str = "web", opened_at: float = 0.0, caller: object = None) -> Poll:
    return Poll(caller, Question(label, version), opened_at, HOLD)


def polls(answer: Answer | None = ONE) -> Polls:
    found = Polls(["web", "api"])
    if answer is not None:
        found.publish("web", answer, 0.0)
    return found


def test_a_poll_without_a_version_is_answered_at_once() -> None:
    reply = polls().asked(poll(), 1.0)
    assert reply is not None
    assert (reply.status, reply.body) == (200, ONE.body)


def test_a_poll_with_an_unknown_version_is_answered_at_once() -> None:
    reply = polls().asked(poll("from a predecessor"), 1.0)
    assert reply is not None
    assert reply.body == ONE.body


def test_a_poll_with_the_current_version_is_held_and_then_not_modified() -> None:
    found = polls()
    assert found.asked(poll(ONE.version), 1.0) is None
    assert found.wake_at() == 1.0 + HOLD
    assert found.expired(50.9) == []
    (reply,) = found.expired(51.0)
    assert (reply.status, reply.body, found.held) == (304, b"", 0)


def test_a_change_answers_the_held_poll_of_its_upstream_and_no_other() -> None:
    found = polls()
    found.publish("api", Answer("api", ()), 0.0)
    found.asked(poll(ONE.version, caller="a"), 1.0)
    found.asked(poll(Answer("api", ()).version, "api"), 1.0)
    replies = found.publish("web", TWO, 2.0)
    assert [(reply.poll.caller, reply.status, reply.body) for reply in replies] == [("a", 200, TWO.body)]
    assert found.held == 1


def test_of_several_polls_for_one_name_the_oldest_goes() -> None:
    """A client that opens many must not use up the room of others."""
    found = polls()
    for caller in ("a", "b", "c"):
        assert found.asked(poll(ONE.version, caller=caller), 1.0) is None
        replies = found.overtaken()
    assert [(reply.poll.caller, reply.status) for reply in replies] == [("b", 304)]
    assert (found.held, found.overtaken()) == (1, [])
    assert [reply.poll.caller for reply in found.publish("web", TWO, 2.0)] == ["c"]


def test_polls_for_names_that_nobody_watches_are_held_in_small_number() -> None:
    found = polls()
    found.asked(poll(ONE.version, caller="envoy"), 1.0)
    for number in range(MOST_UNKNOWN + 3):
        found.asked(poll(label=f"typo-{number}", caller=number), 1.0)
    assert [(reply.poll.caller, reply.status) for reply in found.overtaken()] == [(0, 404), (1, 404), (2, 404)]
    assert found.held == MOST_UNKNOWN + 1


def test_a_caller_that_has_gone_is_not_told_that_it_was_overtaken() -> None:
    found = polls()
    found.asked(poll(ONE.version, caller="a"), 1.0)
    found.asked(poll(ONE.version, caller="b"), 1.0)
    found.forget("a")
    assert found.overtaken() == []


def test_a_first_poll_waits_for_consul() -> None:
    """Not modified would not end Envoy's initialisation, so there is nothing to say before there is an answer."""
    found = polls(None)
    assert found.asked(poll(), 1.0) is None
    (reply,) = found.publish("web", ONE, 2.0)
    assert reply.body == ONE.body


def test_a_poll_that_nothing_is_known_for_ends_with_its_hold() -> None:
    found = polls(None)
    found.asked(poll(), 1.0)
    assert [reply.status for reply in found.expired(60.0)] == [304]


def restored() -> Polls:
    """What an agent knows that has a snapshot and no Consul."""
    found = polls(None)
    found.restore("web", ONE, 0.0)
    return found


def test_a_snapshot_does_not_send_envoy_back_in_time() -> None:
    """A poll with a version comes from an Envoy that has endpoints, and perhaps newer ones."""
    found = restored()
    assert found.asked(poll(TWO.version), 1.0) is None
    assert [(reply.status, reply.body) for reply in found.expired(60.0)] == [(304, b"")]
    assert found.asked(poll(TWO.version), 61.0) is None
    assert found.restore("web", Answer("web", ()), 62.0) == [], "nor does a snapshot's list that a guard has changed"
    (reply,) = found.publish("web", ONE, 63.0)
    assert reply.body == ONE.body


def test_a_snapshot_is_for_an_envoy_that_has_nothing() -> None:
    older = polls(None)
    older.asked(poll(TWO.version, caller="old"), 1.0)
    assert older.restore("web", ONE, 2.0) == []
    found = polls(None)
    found.asked(poll(caller="fresh"), 1.0)
    assert [reply.poll.caller for reply in found.restore("web", ONE, 2.0)] == ["fresh"]
    reply = found.asked(poll(opened_at=3.0), 3.0)
    assert reply is not None
    assert reply.body == ONE.body
    assert found.asked(poll(ONE.version), 4.0) is None
    assert found.held == 1


def test_what_consul_says_is_for_everybody_and_stays_so() -> None:
    found = restored()
    found.publish("web", ONE, 1.0)
    reply = found.asked(poll(TWO.version), 2.0)
    assert reply is not None
    assert reply.body == ONE.body


def test_a_snapshot_of_one_upstream_holds_up_no_other() -> None:
    found = restored()
    found.publish("api", Answer("api", ()), 0.0)
    assert found.asked(poll("older", "api"), 1.0) is not None


def test_an_update_that_envoy_rejects_is_not_sent_again_at_once() -> None:
    """A rejecting Envoy asks on with its old version: without a pause that is a loop of 77 KB requests."""
    found = polls()
    found.asked(poll(), 1.0)
    assert found.asked(poll(), 1.2) is None
    assert found.rejected["web"] == 1
    assert found.wake_at() == 1.2 + REFUSED_HOLD
    (reply,) = found.expired(1.2 + REFUSED_HOLD)
    assert reply.body == ONE.body


def test_new_content_does_not_wait_for_a_rejection_to_cool_down() -> None:
    found = polls()
    found.asked(poll(), 1.0)
    found.asked(poll(), 1.2)
    assert [reply.body for reply in found.publish("web", TWO, 1.3)] == [TWO.body]


def test_a_new_envoy_is_not_taken_for_a_rejecting_one() -> None:
    found = polls()
    found.asked(poll(), 1.0)
    reply = found.asked(poll(opened_at=1.1), 1.2)
    assert reply is not None
    assert (reply.body, found.rejected["web"]) == (ONE.body, 0)


def test_an_accepted_update_is_no_rejection_later() -> None:
    found = polls()
    found.asked(poll(), 1.0)
    found.asked(poll(ONE.version), 1.2)
    assert found.asked(poll(), 2.0) is not None
    assert (found.rejected["web"], found.accepted["web"]) == (0, ONE.version)


def test_an_unknown_cluster_is_counted_held_for_a_while_and_not_found() -> None:
    """B09."""
    found = polls()
    assert found.asked(poll(label="typo"), 1.0) is None
    (reply,) = found.expired(1.0 + REFUSED_HOLD)
    assert (reply.status, found.unknown) == (404, 1)


def test_polls_of_a_caller_that_has_gone_are_forgotten() -> None:
    found = polls()
    caller = object()
    found.asked(poll(ONE.version, caller=caller), 1.0)
    found.forget(caller)
    assert (found.held, found.publish("web", TWO, 2.0)) == (0, [])


def test_a_clean_end_answers_what_is_held() -> None:
    found = polls()
    found.asked(poll(ONE.version), 1.0)
    assert [reply.status for reply in found.ended()] == [304]
    assert (found.held, found.wake_at()) == (0, float("inf"))


def test_the_same_content_again_answers_nobody() -> None:
    found = polls()
    found.asked(poll(ONE.version), 1.0)
    assert found.publish("web", Answer("web", (Endpoint("10.0.0.1", 80),)), 2.0) == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("60000", LONGEST_HOLD), ("20000", 18.0), ("1000", 0.9), ("", 0.9), ("soon", 0.9), ("9" * 30, 0.9), ("-5", 0.9)],
)
def test_the_hold_stays_below_envoys_timeout(header: str, seconds: float) -> None:
    assert hold_of(header) == pytest.approx(seconds)
