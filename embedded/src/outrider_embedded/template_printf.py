"""How Go's fmt prints values: %v and its kin, and printf's layouts with what it says of arguments that do not fit."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

_LAYOUT = re.compile(
    r"%(?P<flags>[-+# 0]*)(?P<index>\[\d+\])?(?P<width>\*|\d*)(?:\.(?P<precision>\*|\d*))?(?P<late>\[\d+\])?(?P<verb>.?)",
    re.DOTALL,
)
_ESCAPES = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v", "\\": r"\\"}
_BASES = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES = {"b": "0b", "o": "0", "O": "0o", "x": "0x", "X": "0X"}
_LOWEST_PRINTED, _DELETE, _BASIC = 0x20, 0x7F, 0x10000
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF
_LEAST_PLAIN, _MOST_PLAIN = -4, 6
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Verb:
    """One ``%…`` of a layout; ``precision`` None is none."""

    letter: str
    flags: str = ""
    width: int = 0
    precision: int | None = None


PLAIN = Verb("v")


def as_bytes(text: str) -> bytes:
    """The bytes that a text of a template stands for."""
    return text.encode("utf-8", "surrogateescape")


def as_text(content: bytes) -> str:
    """Any bytes as a text of a template."""
    return content.decode("utf-8", "surrogateescape")


def shown(value: Any) -> str:
    """A value as a template's action puts it out."""
    return "<no value>" if value is None else printed(value)


def printed(value: Any, verb: Verb = PLAIN) -> str:
    """A value as %v, or another verb, prints it; what is in a collection is printed by the same verb."""
    if isinstance(value, Mapping):
        pairs = sorted(cast("Mapping[Any, Any]", value).items(), key=_order)
        return f"map[{' '.join(f'{printed(key, verb)}:{printed(one, verb)}' for key, one in pairs)}]"
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(printed(one, verb) for one in cast('Sequence[Any]', value))}]"
    text = _single(value, verb)
    return f"%!{verb.letter}({_named(value)})" if text is None else text


def _order(pair: tuple[Any, Any]) -> tuple[bool, bool, Any]:
    """Numbers, texts, truths."""
    return isinstance(pair[0], bool), isinstance(pair[0], str), pair[0]


def formatted(layout: str, *values: Any) -> str:
    """As printf does it; what does not fit is told in the text, as Go does."""
    arguments = _Arguments(values)
    text = _LAYOUT.sub(arguments.printed, layout)
    return text + arguments.rest()


class _Arguments:
    def __init__(self, values: Sequence[Any]) -> None:
        self._values, self._next, self._is_reordered = values, 0, False

    def printed(self, found: re.Match[str]) -> str:
        width = self._number(found["width"], found["index"] if found["width"] == "*" else None)
        precision = None if found["precision"] is None else self._number(found["precision"], None)
        letter = found["verb"]
        if letter in {"", "%"}:
            return letter or "%!(NOVERB)"
        self._go_to(found["late"] or (found["index"] if found["width"] != "*" else None))
        if not 0 <= self._next < len(self._values):
            return f"%!{letter}({'BADINDEX' if self._is_reordered else 'MISSING'})"
        flags = found["flags"] + ("-" if width < 0 else "")
        return printed(self._taken(), Verb(letter, flags, abs(width), precision))

    def rest(self) -> str:
        left = self._values[self._next :]
        if self._is_reordered or not left:
            return ""
        return f"%!(EXTRA {', '.join(_named(one) for one in left)})"

    def _number(self, text: str, index: str | None) -> int:
        if text != "*":
            return int(text or 0)
        self._go_to(index)
        return int(self._taken())

    def _go_to(self, index: str | None) -> None:
        if index:
            self._next, self._is_reordered = int(index[1:-1]) - 1, True

    def _taken(self) -> Any:
        self._next += 1
        return self._values[self._next - 1]


def _named(value: Any) -> str:
    """Its type and itself, as Go puts them where a verb does not fit."""
    return "<nil>" if value is None else f"{type_name(value)}={printed(value)}"


def type_name(value: Any) -> str:
    """Go's name of its type."""
    names: dict[type, str] = {bool: "bool", int: "int", float: "float64", dict: "map[string]interface {}"}
    return "string" if isinstance(value, str) else names.get(cast("object", value).__class__, "[]interface {}")


def _single(value: Any, verb: Verb) -> str | None:
    """None where the verb does not fit."""
    if verb.letter == "T":
        return _padded("<nil>" if value is None else type_name(value), verb)
    if value is None:
        return _padded("<nil>", verb) if verb.letter == "v" else None
    kinds: tuple[tuple[type[Any], Callable[[Any, Verb], str | None]], ...] = (
        (bool, _boolean),
        (int, _whole),
        (float, _fraction),
        (str, _text),
    )
    found = [one for known, one in kinds if isinstance(cast("object", value), known)]
    return found[0](value, verb) if found else _padded(str(value), verb)


def _boolean(value: bool, verb: Verb) -> str | None:  # noqa: FBT001  # a value to print
    return _padded("true" if value else "false", verb) if verb.letter in {"v", "t"} else None


def _whole(value: int, verb: Verb) -> str | None:
    signs = {"c": chr, "U": "U+{:04X}".format, "q": _quoted_sign}
    if verb.letter in signs:
        return _padded(signs[verb.letter](value), verb)
    if verb.letter not in _BASES:
        return None
    digits = format(abs(value), _BASES[verb.letter])
    if verb.precision is not None:
        digits = digits.zfill(verb.precision) if value or verb.precision else ""
    prefix = _PREFIXES.get(verb.letter, "") if "#" in verb.flags or verb.letter == "O" else ""
    return _signed(prefix + digits, verb, is_negative=value < 0, may_fill=verb.precision is None)


def _fraction(value: float, verb: Verb) -> str | None:
    if verb.letter not in set("vgGeEfF"):
        return None
    if not math.isfinite(value):
        plain = "NaN" if math.isnan(value) else "Inf"
        is_signed = "+" in verb.flags or (plain == "Inf" and value > 0 and verb.letter == "v")
        return _signed(
            plain, Verb("v", verb.flags + "+" * is_signed, verb.width), is_negative=value < 0, may_fill=False
        )
    digits = _digits(abs(value), verb)
    return _signed(digits, verb, is_negative=math.copysign(1, value) < 0, may_fill=True)


def _digits(value: float, verb: Verb) -> str:
    letter = "g" if verb.letter == "v" else verb.letter
    if letter in "eEfF":
        return f"{value:.{_DIGITS if verb.precision is None else verb.precision}{letter}}"
    if verb.precision is not None:
        return f"{value:.{verb.precision or 1}{letter}}"
    return _shortest(value).replace("e", "E" if letter == "G" else "e")


def _shortest(value: float) -> str:
    exponent = Decimal(repr(value)).adjusted() if value else 0
    if _LEAST_PLAIN <= exponent < _MOST_PLAIN:
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    digits = len(Decimal(repr(value)).normalize().as_tuple().digits) - 1
    return f"{value:.{digits}e}"


def _text(value: str, verb: Verb) -> str | None:
    cut = value if verb.precision is None else value[: verb.precision]
    if verb.letter in {"x", "X"}:
        pairs = [format(byte, f"02{verb.letter}") for byte in as_bytes(cut)]
        return _padded((" " if " " in verb.flags else "").join(pairs), verb)
    if verb.letter == "q" or (verb.letter == "v" and "#" in verb.flags):
        return _padded(quoted(cut), verb)
    return _padded(cut, verb) if verb.letter in {"v", "s"} else None


def quoted(text: str) -> str:
    """In quotes, with everything escaped that is not printed."""
    return f'"{"".join(_escaped(sign, chr(34)) for sign in text)}"'


def _quoted_sign(number: int) -> str:
    return f"'{_escaped(chr(number), chr(39))}'"


def _escaped(sign: str, mark: str) -> str:
    number = ord(sign)
    if sign in _ESCAPES or sign == mark:
        return _ESCAPES.get(sign, f"\\{mark}")
    if _FIRST_BYTE <= number <= _LAST_BYTE:
        return f"\\x{number - _FIRST_BYTE + 128:02x}"
    if sign.isprintable():
        return sign
    if number < _LOWEST_PRINTED or number == _DELETE:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < _BASIC else f"\\U{number:08x}"


def _signed(digits: str, verb: Verb, *, is_negative: bool, may_fill: bool) -> str:
    sign = "-" if is_negative else "+" if "+" in verb.flags else " " if " " in verb.flags else ""
    if may_fill and "0" in verb.flags and "-" not in verb.flags:
        digits = digits.zfill(verb.width - len(sign))
    return _padded(sign + digits, verb)


def _padded(text: str, verb: Verb) -> str:
    return text.ljust(verb.width) if "-" in verb.flags else text.rjust(verb.width)
