"""Which questions are held for which keys."""

from __future__ import annotations

from outrider.operations.values.groups import Group, groups


def test_one_key_is_asked_for_by_itself_and_several_of_a_folder_by_what_they_begin_with() -> None:
    held, turns = groups(["config/pay/limit", "config/shop/flag", "config/shop/flow"])
    assert held == (
        Group("config/pay/limit", ("config/pay/limit",), is_exact=True),
        Group("config/shop/fl", ("config/shop/flag", "config/shop/flow")),
    )
    assert turns == ()


def test_more_folders_than_may_be_held_are_asked_for_by_the_folder_that_they_lie_in() -> None:
    held, turns = groups([f"config/s{number}/flag" for number in range(200)], most=16)
    assert [one.prefix for one in held] == ["config/s"]
    assert (len(held[0].paths), turns) == (200, ())


def test_the_root_is_never_asked_for_and_what_cannot_be_held_takes_turns() -> None:
    paths = [f"s{number:03}/flag" for number in range(20)] + ["alone"]
    held, turns = groups(paths, most=16)
    assert (len(held), len(turns)) == (16, 5)
    assert all(one.prefix for one in (*held, *turns))
    assert sorted(path for one in (*held, *turns) for path in one.paths) == sorted(paths)


def test_all_keys_below_a_path_are_no_key_of_that_name() -> None:
    held, _ = groups(["config/shop/", "config/shop/flag"])
    assert held == (Group("config/shop/", ("config/shop/", "config/shop/flag")),)
    assert groups(["config/shop/"])[0] == (Group("config/shop/", ("config/shop/",)),)


def test_each_namespace_has_questions_of_its_own() -> None:
    held, _ = groups([*(f"@nomad/jobs/s{number}/app" for number in range(30)), "ops@shared/key"], most=4)
    assert [one.prefix for one in held] == ["@nomad/jobs/s", "ops@shared/key"]


def test_keys_without_a_folder_count_among_what_is_held() -> None:
    held, turns = groups(["a", "b", "c", "config/x/1", "config/y/1"], most=4)
    assert [one.prefix for one in held] == ["a", "b", "c", "config/"]
    assert turns == ()
