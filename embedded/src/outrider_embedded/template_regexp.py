"""Go's regular expressions in Python's: what both mean alike is translated, what is not here is refused by name."""

from __future__ import annotations

import re
from functools import lru_cache

_PARTS = re.compile(
    r"\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\(\?(?:P?<\w+>|[a-zA-Z-]*[:)]|.?.?)|.", re.DOTALL | re.ASCII
)
_NAMED = re.compile(r"\(\?P?(<\w+>)", re.ASCII)
_FLAGS = re.compile(r"\(\?(?:[ims]*(?:-[ims]+)?:|[ims]+\))")
_LATE_FLAGS = re.compile(r"(?<=.)\(\?[a-zA-Z-]+\)", re.DOTALL)
_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})", re.ASCII)
_ESCAPED = frozenset("AbBdDsSwWaftnrvzx")
_ELSEWHERE = frozenset("pPQEC")
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}


def is_matching(pattern: str, text: str) -> bool:
    return _compiled(pattern).search(text) is not None


def rewritten(pattern: str, new: str, text: str) -> str:
    """In the new text ``$1``, ``$name`` and ``${name}`` stand for groups: for nothing where there is none of that name."""
    return _compiled(pattern).sub(lambda found: _expanded(new, found), text)


def _expanded(new: str, found: re.Match[str]) -> str:
    def group(reference: re.Match[str]) -> str:
        if reference[1]:
            return "$"
        name = reference[2] or reference[3]
        if not name.isdecimal():
            return found.groupdict().get(name) or ""
        return (found[int(name)] or "") if int(name) <= len(found.groups()) else ""

    return _REFERENCE.sub(group, new)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Classes mean ASCII, and ``$`` the end of the whole text. Raises ValueError."""
    if _LATE_FLAGS.search(pattern):
        raise ValueError(f"the one-machine cluster has no flags in the middle of a regular expression: {pattern}")
    translated = "".join(
        _translated(part, by_line="m" in pattern.partition(")")[0]) for part in _PARTS.findall(pattern)
    )
    try:
        return re.compile(translated, re.ASCII)
    except re.error as error:
        raise ValueError(f"error parsing regexp: {error}: `{pattern}`") from error


def _translated(part: str, *, by_line: bool) -> str:
    if part.startswith("(?"):
        return _group(part)
    if part.startswith("\\"):
        return _escape(part)
    if part.startswith("[") and len(part) > 1:
        return _class(part)
    return r"\Z" if part == "$" and not by_line else part


def _group(part: str) -> str:
    named = _NAMED.fullmatch(part)
    if named:
        return f"(?P{named[1]}"
    if "U" in part and part[-1] in ":)":
        raise ValueError(f"the one-machine cluster has no flag U of regular expressions: {part}")
    if not _FLAGS.fullmatch(part):
        raise ValueError(f"error parsing regexp: invalid or unsupported Perl syntax: `{part}`")
    return part


def _escape(part: str) -> str:
    sign = part[1]
    if sign in _ELSEWHERE:
        raise ValueError(f"the one-machine cluster has no {part} of regular expressions")
    if sign.isalnum() and sign not in _ESCAPED:
        raise ValueError(f"error parsing regexp: invalid escape sequence: `{part}`")
    return {"z": r"\Z", "s": r"[\t\n\f\r ]", "S": r"[^\t\n\f\r ]"}.get(sign, part)


def _class(part: str) -> str:
    if "[:^" in part or "\\p" in part or "\\P" in part:
        raise ValueError(f"the one-machine cluster has no classes of regular expressions such as {part}")
    for name, signs in _CLASSES.items():
        part = part.replace(f"[:{name}:]", signs)
    return part[:1] + part[1:].replace("[", r"\[")
