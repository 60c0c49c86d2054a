"""Who gives way when a server is full."""

from __future__ import annotations

from outrider_ground.edge.crowd import Crowd


def crowd(*standing: tuple[str, str, float]) -> Crowd[str]:
    made: Crowd[str] = Crowd()
    for name, what, since in standing:
        made.stands(name, what, since)  # type: ignore[arg-type]
    return made


def test_who_has_been_silent_for_long_goes_first() -> None:
    assert crowd(("kept", "kept", 0), ("silent", "silent", 1), ("later", "silent", 2)).giving_way(10) == "silent"


def test_who_has_just_come_stays_while_others_only_keep_a_connection() -> None:
    assert crowd(("fresh", "silent", 9.5), ("kept", "kept", 3)).giving_way(10) == "kept"
    assert crowd(("fresh", "silent", 9.5)).giving_way(10) == "fresh"


def test_then_those_who_do_not_read_and_those_who_send_slowly() -> None:
    made = crowd(("sends", "sending", 0), ("deaf", "unread", 5))
    assert made.giving_way(10) == "deaf"
    made.moves("deaf")
    assert made.giving_way(10) == "sends"


def test_who_is_being_answered_never_goes() -> None:
    made = crowd(("one", "silent", 0))
    made.moves("one")
    assert made.giving_way(100) is None


def test_the_same_standing_again_is_no_younger_one() -> None:
    made = crowd(("first", "kept", 0), ("second", "kept", 1))
    made.stands("first", "kept", 5)
    assert made.giving_way(10) == "first"


def test_who_was_told_to_go_counts_until_it_is_gone_and_is_not_told_again() -> None:
    made = crowd(("first", "silent", 0), ("second", "silent", 1))
    made.leaves("first")
    assert (made.leaving, made.giving_way(10)) == (1, "second")
    made.is_gone("first")
    made.is_gone("second")
    assert (made.leaving, made.giving_way(10)) == (0, None)
