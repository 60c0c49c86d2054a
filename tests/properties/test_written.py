"""A program's edit of a person's file: what was asked for changes, every other byte stays, and undoing gives the file back."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import given, note, settings
from hypothesis import strategies as st

from outrider.spec.reading.document import document
from outrider.spec.written.edits import GONE, Edit, changed, edited
from outrider.spec.written.values import quoted

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
TEXTS = st.one_of(
    NAMES,
    st.sampled_from(
        [
            "yes",
            "on",
            "null",
            "~",
            "0123",
            "1e3",
            "- x",
            "a: b",
            "a #b",
            "#a",
            "'",
            '"',
            "a\tb",
            "é",
            "😀",
            "",
            " a ",
            "{x}",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "|",
            ">",
            "a,b",
            "[a",
            "5s",
            "x:1",
            "https://a.example:80/x?y=z",
            "\\",
            "a\nb\n",
            "a\n\nb",
            "\n",
            "a\n\n",
            " a\nb",
            "--- x",
            "...",
            "-",
            "?",
            ": ",
            "<<",
            "12",
            "1.5",
            "true",
        ]
    ),
)
SCALARS = st.one_of(TEXTS, st.integers(-(10**9), 10**9), st.booleans())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(NAMES, inner, max_size=3),
        st.dictionaries(TEXTS.filter(bool), inner, max_size=2),
    ),
    max_leaves=6,
)


class Writer:
    """Writes data as a person might: styles, comments, blank lines and breaks are drawn."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.wide = draw(st.sampled_from([2, 2, 3, 4]))

    def scalar(self, value: Any) -> str:
        if isinstance(value, str):
            plain = value.replace("-", "").isalnum() and value[:1].isalpha() and value not in {"true", "false", "null"}
            styles = [quoted(value)] + ([value] * 3 if plain else []) + ([f"'{value}'"] if plain else [])
            return self.draw(st.sampled_from(styles))
        return json.dumps(value) if not isinstance(value, str) else quoted(value)

    def flow(self, value: Any) -> str:
        space = self.draw(st.sampled_from(["", " "]))
        if isinstance(value, dict):
            pairs = [f"{self.scalar(key)}: {self.flow(part)}" for key, part in value.items()]
            tail = self.draw(st.sampled_from(["", ","])) if pairs else ""
            return "{" + space + ", ".join(pairs) + tail + space + "}"
        if isinstance(value, list):
            return "[" + space + ", ".join(self.flow(part) for part in value) + space + "]"
        return self.scalar(value)

    def behind(self) -> str:
        return self.draw(st.sampled_from(["", "", "", "  # why", "   ", "\t# {a: b}, c"]))

    def between(self, indent: int) -> list[str]:
        return self.draw(
            st.sampled_from([[], [], [], [""], ["# a comment, {with: signs}"], [" " * indent + "# and: more", ""]])
        )

    def block(self, value: dict[str, Any], indent: int) -> list[str]:
        lines: list[str] = []
        for key, part in value.items():
            lines += self.between(indent)
            head = " " * indent + self.scalar(key) + ":"
            is_open = isinstance(part, dict | list) and part and self.draw(st.booleans())
            if not is_open:
                lines.append(f"{head} {self.flow(part)}{self.behind()}")
            elif isinstance(part, dict):
                lines += [head + self.behind(), *self.block(part, indent + self.wide)]
            else:
                dash = indent + self.draw(st.sampled_from([0, 2]))
                lines += [head + self.behind(), *(f"{' ' * dash}- {self.flow(one)}{self.behind()}" for one in part)]
        return lines


def alike(one: str, other: str) -> int:
    """How many signs two texts share at their beginning."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


SPECS = st.dictionaries(
    NAMES,
    st.one_of(
        SCALARS.filter(lambda one: one != ""), st.dictionaries(NAMES, VALUES, max_size=3), st.lists(VALUES, max_size=3)
    ),
    min_size=1,
    max_size=5,
)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A file, and what it says."""
    data = draw(SPECS)
    kind = draw(st.sampled_from(["yaml", "yaml", "yaml", "flow", "json", "pretty"]))
    if kind == "json":
        return json.dumps(data, ensure_ascii=False), data
    if kind == "pretty":
        return json.dumps(data, indent=draw(st.sampled_from([2, 4])), ensure_ascii=False) + "\n", data
    writer = Writer(draw)
    lines = [writer.flow(data)] if kind == "flow" else writer.block(data, 0)
    text = "\n".join(
        [
            *draw(st.sampled_from([[], ["---"], ["# mine", ""]])),
            *lines,
            *draw(st.sampled_from([[], ["# end"], ["", ""]])),
        ]
    )
    note(text)
    text = draw(st.sampled_from(["", "", "\ufeff"])) + text + draw(st.sampled_from(["", "\n"]))
    return (text.replace("\n", "\r\n") if draw(st.booleans()) else text), data


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, dict):
        return [path] if path else []
    return ([path] if path else []) + [one for key, part in value.items() for one in paths(part, (*path, key))]


def maps(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, dict):
        return []
    return [path] + [one for key, part in value.items() for one in maps(part, (*path, key))]


@settings(max_examples=150, deadline=None)
@given(written(), st.data())
def test_a_new_key_adds_lines_or_a_pair_and_its_removal_gives_the_same_bytes(
    file: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    text, said = file
    assert document(text).data == said
    above = data.draw(st.sampled_from(maps(said)))
    key, value = data.draw(st.just("zz-new")), data.draw(VALUES)
    path = (*above, key)
    longer = edited(text, [Edit(path, value)], "f.yaml").text
    assert document(longer).data == changed(said, Edit(path, value))
    assert alike(text, longer) + alike(text[::-1], longer[::-1]) >= len(text), "nothing that stood there is touched"
    assert edited(longer, [Edit(path, GONE)], "f.yaml").text == text


@settings(max_examples=150, deadline=None)
@given(written(), st.data())
def test_a_changed_value_leaves_all_before_and_behind_it(file: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    text, said = file
    path = data.draw(st.sampled_from(paths(said)))
    value = data.draw(SCALARS)
    after = edited(text, [Edit(path, value)], "f.yaml").text
    assert document(after).data == changed(said, Edit(path, value))
    other = edited(after, [Edit(path, value)], "f.yaml").text
    assert other == after, "the same again changes nothing"


@settings(max_examples=150, deadline=None)
@given(written(), st.data())
def test_a_number_changed_and_changed_back_gives_the_same_bytes(
    file: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    text, said = file
    wanted = {**said, "zz-count": 7}
    text = edited(text, [Edit(("zz-count",), 7)], "f.yaml").text
    after = edited(text, [Edit(("zz-count",), data.draw(st.integers(0, 10**6)))], "f.yaml").text
    assert edited(after, [Edit(("zz-count",), 7)], "f.yaml").text == text
    assert document(text).data == wanted


def comments(lines: list[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip().startswith("#")]


def nodes(node: yaml.Node) -> list[yaml.Node]:
    """It and all below it; a map's pairs and a list's items alike."""
    below = [one for pair in node.value for one in (pair if isinstance(pair, tuple) else (pair,))]
    return [node, *(deep for one in below if isinstance(one, yaml.Node) for deep in nodes(one))]


def lines_of(text: str, path: tuple[Any, ...]) -> tuple[int, int]:
    """The first and the last line, from 0, of a key and all that its value says: drawn values begin on their last line."""
    node: Any = yaml.compose(text.removeprefix("\ufeff"), Loader=yaml.CSafeLoader)
    key: Any = node
    for name in path:
        key, node = next((key, value) for key, value in node.value if key.value == name)
    return key.start_mark.line, max(one.start_mark.line for one in nodes(node))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    return at(value[path[0]], path[1:]) if path else value


@settings(max_examples=150, deadline=None)
@given(written(), st.data())
def test_a_removed_key_is_gone_and_the_comments_of_others_stay(
    file: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    text, said = file
    path = data.draw(st.sampled_from(paths(said)))
    if len(said) == 1 and len(path) >= 1 and said == {path[0]: said[path[0]]}:
        return
    after = edited(text, [Edit(path, GONE)], "f.yaml").text
    left = document(after).data
    assert path not in paths(left)
    gone = next(path[:depth] for depth in range(1, len(path) + 1) if path[:depth] not in paths(left))
    assert all(len(at(said, path[:depth])) == 1 for depth in range(len(gone), len(path))), "or a block that it emptied"
    assert left == changed(said, Edit(gone, GONE))
    first, last = lines_of(text, gone)
    lines = text.removeprefix("\ufeff").splitlines()
    assert comments(after.removeprefix("\ufeff").splitlines()) == comments(lines[:first] + lines[last + 1 :])
