"""YAML as data with places, and every hostile or mistaken text refused with its line and column (E11)."""

from __future__ import annotations

import pytest
from outrider_ground.errors import SpecError

from outrider.spec.reading.document import MAX_DEPTH, document
from outrider.spec.reading.syntax import decoded

BOMB = "\n".join(
    ["a: &a [x, x, x, x, x, x, x, x, x]"]
    + [f"{name}: &{name} [{', '.join([f'*{last}'] * 9)}]" for last, name in zip("abcdefgh", "bcdefghi", strict=True)]
)


def said(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        document(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: yes", "yes"),
        ("a: no", "no"),
        ("a: on", "on"),
        ("a: OFF", "OFF"),
        ("a: True", "True"),
        ("a: true", True),
        ("a: false", False),
        ("a: null", None),
        ("a: ~", None),
        ("a:", None),
        ("a: NULL", "NULL"),
        ("a: 0", 0),
        ("a: -7", -7),
        ("a: 8080", 8080),
        ("a: 0123", "0123"),
        ("a: 0x1F", "0x1F"),
        ("a: 1_000", "1_000"),
        ("a: +5", "+5"),
        ("a: -0", "-0"),
        ("a: 1e3", "1e3"),
        ("a: 12:30:45", "12:30:45"),
        ("a: 2026-11-23", "2026-11-23"),
        ("a: 12345678901234567890", "12345678901234567890"),
        ("a: 0.5", 0.5),
        ("a: .5", ".5"),
        ("a: .inf", ".inf"),
        ("a: '8080'", "8080"),
        ('a: "true"', "true"),
        ("a: |\n  x\n  y\n", "x\ny\n"),
        ("a: [1, x, {b: c}]", [1, "x", {"b": "c"}]),
        ('{"a": {"b": [true, null]}}', {"b": [True, None]}),
    ],
)
def test_a_value_means_what_it_looks_like_and_nothing_else(text: str, value: object) -> None:
    found = document(text).data["a"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text_whatever_they_look_like() -> None:
    assert list(document("on: 1\n8080: 2\nnull: 3\n~: 4\n1.5: 5").data) == ["on", "8080", "null", "~", "1.5"]


def test_an_alias_repeats_what_its_anchor_names() -> None:
    assert document("a: &x {b: [1]}\nc: *x").data == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_every_key_and_value_has_its_place() -> None:
    places = document("a:\n  - b: 1\n    c: x\n").places
    assert places[("a", 0, "c")].key == (3, 5)
    assert places[("a", 0, "c")].value == (3, 8)
    assert places[("a",)].key == (1, 1)


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert document("\ufeffservice: a").data == {"service": "a"}
    assert said("\ufeffa: 1\na: 2").startswith("2:1:")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!python/object/apply:os.system [ls]", "1:4: tags such as tag:yaml.org,2002:python/object/apply"),
        ("a: !!int 5", "1:4: tags such as tag:yaml.org,2002:int are not used here: write the plain value"),
        ("a: !mine {b: c}", "1:4: tags such as !mine are not used here: write the plain value"),
        ("a: 1\nb: 2\na: 3", '3:1: "a" stands here twice: first on line 1'),
        ("a: {b: 1, b: 2}", '1:11: "b" stands here twice: first on line 1'),
        (
            "<<: {a: 1}",
            '1:1: merge keys ("<<") are not used here: repeat the keys, or use environments for differences',
        ),
        ("a: *b", '1:4: "*b" refers to an anchor that does not end above: quote the text if "*" is part of it'),
        ("a: &a [*a]", '1:8: "*a" refers to an anchor that does not end above: quote the text if "*" is part of it'),
        ("a: 1\n---\nb: 2", '2:1: a second document begins here ("---"): write one file per service'),
        ("? [a, b]\n: c", "1:3: a key must be plain text"),
        ("a: 1\n*b : c", '2:1: "*b" refers to an anchor'),
        ('"": c', "1:1: a key is missing before the colon"),
        ("a: [", "2:1: a value is missing here: something before it is not closed"),
        ("", "1:1: the file is empty"),
        ("# nothing yet\n", "1:1: the file is empty"),
        ("a:\n\t- b", "2:1: a tab: YAML is indented with spaces"),
        ("a: b\x07", "1:5: the sign \\x07 cannot stand in a text file"),
        ("a: 1\nb: \ud800", "2:4: the sign \\ud800 cannot stand in a text file"),
        ("a: 1\nb: x\ufeff", "2:5: the sign \\ufeff cannot stand in a text file"),
        ('a: "x\\0y"', "1:4: a NUL sign cannot stand in a value"),
        ("a: @x", '1:4: a text that begins with "@" needs quotes'),
        ("a: b: c", '1:5: a ": " where no key can stand: indent the line as its neighbours, or quote the text'),
        ("a: 1\n b: 2", '2:3: a ": " where no key can stand: indent the line as its neighbours, or quote the text'),
        ("a:\n  b: 1\n c: 2", "3:2: the indentation does not fit the lines above, or a quote ends too early"),
        ("a: [1, 2\nb: 3", '2:2: a "[" is not closed by "]", or a comma is missing'),
        ("a: {b: 1\nc: 3", '2:2: a "{" is not closed by "}", or a comma is missing'),
        ("a: 'x\nb: y\n", "3:1: a quote is not closed (it begins on line 1)"),
        ('a: "C:\\dir"', '1:7: in double quotes a backslash begins an escape: write "\\\\", or use single quotes'),
        ("a\nb: 1", '2:2: a ": " where no key can stand'),
        ("[" * 10_000, f"1:{MAX_DEPTH + 1}: nested more than {MAX_DEPTH} levels deep"),
        ("{a: " * 10_000, f"1:{4 * MAX_DEPTH + 1}: nested more than {MAX_DEPTH} levels deep"),
        ("- " * 10_000, f"1:{2 * MAX_DEPTH + 1}: nested more than {MAX_DEPTH} levels deep"),
        ("a: " + "x" * 10_000_000, "1:1: the file is larger than 1 MB"),
        ("a: " + "ü" * 600_000, "1:1: the file is larger than 1 MB"),
        ("- x\n" * 20_000, "1:1: more than 10000 values with all aliases written out: too large"),
        (BOMB, "5:4: more than 10000 values with all aliases written out: too large"),
        ("a: &a " + "x" * 900_000 + "\nb: [" + "*a, " * 20 + "]", "2:4: more than 10000 values"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_what_is_no_plain_yaml_is_refused_with_its_place(text: str, message: str) -> None:
    assert said(text).startswith(message)


def test_aliases_cannot_nest_deeper_than_the_file_itself_may() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 40)]
    assert f"nested more than {MAX_DEPTH} levels deep" in said("\n".join(lines))


def test_the_file_is_named_in_front_of_the_line() -> None:
    with pytest.raises(SpecError, match=r"^outrider\.yaml:2:1: "):
        document("a: 1\na: 2", "outrider.yaml")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfea\x00", "f:1:1: the file is UTF-16: save it as UTF-8"),
        (b"a: 1\nb: caf\xe9\n", "f:2:7: the byte 0xe9 is no UTF-8: save the file as UTF-8"),
    ],
)
def test_bytes_that_are_no_text_are_refused_with_their_place(data: bytes, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        decoded(data, "f")
    assert str(caught.value) == message


def test_bytes_of_utf_8_are_text_whatever_ends_their_lines() -> None:
    assert document(decoded("a: é\r\nb: 2\r\n".encode(), "f")).data == {"a": "é", "b": 2}
