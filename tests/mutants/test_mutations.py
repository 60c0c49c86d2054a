"""What counts as a small change of meaning, how it is known, and which of a room's are tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutants.mutations import Mutation, mutations
from mutants.overlay import overlay
from mutants.sample import Seen, equivalents, rooms, sample


def texts(source: str) -> set[str]:
    return {one.applied(source) for one in mutations("m.py", source)}


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("x = a < b\n", "x = (a <= b)\n"),
        ("x = a >= b\n", "x = (a > b)\n"),
        ("x = a in b\n", "x = (a not in b)\n"),
        ("x = a is None\n", "x = (a is not None)\n"),
        ("x = a and b\n", "x = (a or b)\n"),
        ("x = not a\n", "x = (a)\n"),
        ("x = a + 1\n", "x = (a - 1)\n"),
        ("x = 7\n", "x = 8\n"),
        ("x = True\n", "x = False\n"),
        ("x = {'a': b}\n", "x = {'a~': b}\n"),
        ("x = f(a, k=b)\n", "x = f(a, )\n"),
        ("x = f(k=a, l=b)\n", "x = f( l=b)\n"),
        ("x = min(a)\n", "x = max(a)\n"),
        ("x = [a for a in b if a]\n", "x = [a for a in b if (not (a))]\n"),
        ("x = a if b else c\n", "x = a if (not (b)) else c\n"),
        ("def f():\n    if a:\n        g()\n", "def f():\n    if (not (a)):\n        g()\n"),
        ("def f():\n    g()\n", "def f():\n    pass\n"),
        ("def f():\n    a.b = 1\n", "def f():\n    pass\n"),
        ("def f():\n    return a\n", "def f():\n    return None\n"),
        ("for a in b:\n    continue\n", "for a in b:\n    pass\n"),
    ],
)
def test_a_small_change_of_each_kind_is_found(source: str, changed: str) -> None:
    assert changed in texts(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""Says 1."""\n',
        "def f(a: tuple[1]) -> dict[2]: ...\n",
        "x = f'{a + 1}'\n",
        "if TYPE_CHECKING:\n    import a\n",
        "def f(a):\n    del a\n",
        "@g(k=1)\ndef f(): ...\n",
        "def f():\n    yield\n",
        "x = 'text for people'\n",
    ],
)
def test_what_is_for_people_and_for_types_is_left_alone(source: str) -> None:
    assert texts(source) == set()


def test_letters_of_more_than_a_byte_move_nothing() -> None:
    assert "x = '→'; y = (a <= b)\n" in texts("x = '→'; y = a < b\n")


def test_a_mutation_is_known_by_its_function_and_text_and_not_by_its_line() -> None:
    source = "def f():\n    return a < b\n"
    (moved,) = [one for one in mutations("m.py", "import z\n\n\n" + source) if one.after == "(a <= b)"]
    (here,) = [one for one in mutations("m.py", source) if one.after == "(a <= b)"]
    assert moved.key == here.key
    assert moved.rank(1) == here.rank(1) != here.rank(2)
    assert 5 in moved.lines


def mutation(line: int) -> Mutation:
    return Mutation("m.py", "f", "a", "b", 1, 0, 1, range(line, line + 1))


def test_a_sample_keeps_its_members_when_others_come() -> None:
    many = mutations("m.py", "\n".join(f"x{number} = {number}" for number in range(50)))
    few = sample(many[:40], 1, 10, {})
    assert set(few) <= set(sample(many, 1, 20, {}))
    assert few[0] not in sample(many, 1, 50, {few[0].key: "equivalent"})


def test_tests_of_the_line_are_asked_fastest_first_and_those_of_other_processes_last() -> None:
    seconds = {"slow": 2.0, "quick": 1.0, "other": 0.5, "process": 0.1}
    seen = Seen({"m.py": {1: ["slow", "quick"], 2: ["other"]}}, seconds)
    assert seen.tests_of(mutation(1)) == ["quick", "slow", "process"]
    assert seen.tests_of(mutation(7)) == ["other", "quick", "slow", "process"]


def test_what_runs_at_import_is_everybodys() -> None:
    seen = Seen({"m.py": {1: [""], 2: ["one"]}, "n.py": {1: ["two"]}}, {"one": 1.0, "two": 0.5})
    assert seen.tests_of(mutation(1)) == ["one", "two"]


def test_no_more_tests_are_asked_than_a_mutation_is_worth() -> None:
    seen = Seen({"m.py": {1: ["one", "two", "three"]}}, {"one": 8.0, "two": 9.0, "three": 10.0})
    assert seen.tests_of(mutation(1)) == ["one", "two"]


def test_in_an_overlay_one_file_differs(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "room").mkdir(parents=True)
    for name in ("__init__.py", "room/__init__.py", "room/changed.py", "room/same.py"):
        (package / name).write_text("1")
    made = overlay(tmp_path / "made", package, package / "room/changed.py", "2") / "package"
    assert [(made / name).read_text() for name in ("__init__.py", "room/changed.py", "room/same.py")] == ["1", "2", "1"]
    assert (package / "room/changed.py").read_text() == "1"


def test_floors_are_not_below_what_was_agreed() -> None:
    """They only rise: raise these numbers with them."""
    assert {room.name: room.floor for room in rooms()[1]} == {
        "agent": 85,
        "spec": 75,
        "topology": 75,
        "envoy": 75,
        "nomad": 75,
        "operations": 75,
        "store": 75,
    }


def test_every_equivalent_is_a_mutation_that_exists_and_has_a_reason() -> None:
    found = {one.key for room in rooms()[1] for one in room.mutations()}
    assert set(equivalents()) <= found
    assert all(len(reason) > 10 for reason in equivalents().values())
