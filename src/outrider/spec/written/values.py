"""Plain data as text that stands in a file: in YAML as people write specs, or in JSON."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from outrider.spec.reading.document import scalar

PLAIN = re.compile(r"[A-Za-z0-9_./$^~+-](?:[A-Za-z0-9_./@%+=,;:$^~()-]|[ ](?![# ]))*(?<![ :])", re.ASCII)
PLAIN_IN_FLOW = re.compile(r"[A-Za-z0-9_./$^~+-](?:[A-Za-z0-9_./@%+=;$^~()-]|[ ](?![# ]))*(?<![ ])", re.ASCII)
# What other YAML readers, those of editors among them, take for booleans.
WORDS = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false", "null"})
LONGEST_LINE = 100
INDENT = 2


def inline(value: Any, *, is_json: bool = False) -> str:
    """The value on one line: flow style, as inside ``{…}``."""
    if is_json:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return "{" + ", ".join(f"{scalar_text(key)}: {inline(part)}" for key, part in pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(inline(part) for part in cast("list[Any]", value)) + "]"
    return scalar_text(value)


def block_lines(key: str, value: Any, indent: int) -> list[str]:
    """``key: value`` as lines of a block whose keys stand at that column, without breaks; short maps and lists stay on one."""
    margin, name = " " * indent, scalar_text(key)
    if isinstance(value, str) and _is_block_text(value):
        body = [f"{margin}{' ' * INDENT}{line}" if line else "" for line in value.rstrip("\n").split("\n")]
        return [f"{margin}{name}: |{'' if value.endswith(chr(10)) else '-'}", *body]
    line = f"{margin}{name}: {inline(value)}"
    if not _is_spread(value, line):
        return [line]
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return [
            f"{margin}{name}:",
            *(one for inner, part in pairs for one in block_lines(inner, part, indent + INDENT)),
        ]
    return [
        f"{margin}{name}:",
        *(one for part in cast("list[Any]", value) for one in item_lines(part, indent + INDENT)),
    ]


def item_lines(value: Any, indent: int) -> list[str]:
    """An item of a block list whose dashes stand at that column."""
    margin, line = " " * indent, f"{' ' * indent}- {inline(value)}"
    if not isinstance(value, dict) or not _is_spread(cast("Any", value), line):
        return [line]
    pairs = cast("dict[str, Any]", value).items()
    first, *rest = [one for key, part in pairs for one in block_lines(key, part, indent + INDENT)]
    return [f"{margin}- {first.strip()}", *rest]


def scalar_text(value: Any, style: str = "") -> str:
    """A single value as the strict reader reads it back, in its quotes where it had some before."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return json.dumps(value)
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    is_plain = PLAIN_IN_FLOW.fullmatch(value) and value.lower() not in WORDS and not value.startswith(("-", "---"))
    if style != '"' and is_plain and isinstance(scalar(value), str):
        return value
    return quoted(value)


def quoted(value: str) -> str:
    """In double quotes, as YAML and JSON both read them; what cannot be printed is an escape."""
    return "".join(
        sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in json.dumps(value, ensure_ascii=False)
    )


def _is_block_text(value: str) -> bool:
    """Whether a text of several lines can stand as a block, which keeps it readable."""
    lines = value.split("\n")
    has_lines = len(lines) > 1 and not value.endswith("\n\n") and bool(lines[0].strip())
    return has_lines and all(line.replace("\t", " ").isprintable() for line in lines) and not value[0].isspace()


def _is_spread(value: Any, line: str) -> bool:
    """Whether a map or a list is too much for one line: services by name, checks, texts, long ones."""
    if not isinstance(value, (dict, list)) or not value:
        return False
    inner = list(cast("dict[str, Any]", value).values() if isinstance(value, dict) else cast("list[Any]", value))
    return len(line) > LONGEST_LINE or any(
        isinstance(part, dict) or (isinstance(part, str) and "\n" in part) for part in inner
    )
