"""consul-template's functions that need nothing but their arguments.

It takes the operand that a pipe brings last: ``5 | subtract 2`` is 3. Go's text may be any bytes: here those that are no
UTF-8 stand in it as Python's surrogates, and come out as they were (``as_bytes``).
"""

from __future__ import annotations

import base64
import hashlib
import json
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from outrider_embedded.template_go import go_functions

_TIME_LAYOUTS = {"": "%Y-%m-%dT%H:%M:%SZ", "2006-01-02": "%Y-%m-%d", "15:04:05": "%H:%M:%S"}
_LINE_ENDS = re.compile("[\r\n]")
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})


def functions() -> dict[str, Callable[..., Any]]:
    """Go's and consul-template's, by the name that templates call them."""
    return go_functions() | _TEXT | _NUMBERS | _DOCUMENTS


# ---- consul-template's, on text


def _stripped(cut: str, text: str) -> str:
    return text.strip(cut)


def _without_prefix(prefix: str, text: str) -> str:
    return text.removeprefix(prefix)


def _without_suffix(suffix: str, text: str) -> str:
    return text.removesuffix(suffix)


def _replaced(old: str, new: str, text: str) -> str:
    return text.replace(old, new)


def _split(separator: str, text: str) -> list[str]:
    return text.split(separator)


def _joined(separator: str, items: list[str]) -> str:
    return separator.join(items)


def _indented(spaces: int, text: str) -> str:
    return "\n".join(" " * spaces + line if line else line for line in text.split("\n"))


def _is_matching(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def _rewritten(pattern: str, new: str, text: str) -> str:
    return re.sub(pattern, re.sub(r"\$\{?(\w+)\}?", r"\\g<\1>", new), text)


def as_bytes(text: str) -> bytes:
    """The bytes that a text of a template stands for."""
    return text.encode("utf-8", "surrogateescape")


def as_text(content: bytes) -> str:
    """Any bytes as a text of a template."""
    return content.decode("utf-8", "surrogateescape")


def _encoded(text: str) -> str:
    return base64.b64encode(as_bytes(text)).decode()


def _url_encoded(text: str) -> str:
    return base64.urlsafe_b64encode(as_bytes(text)).decode()


def _decoded(text: str) -> str:
    """As Go's encoding/base64 reads it: line ends are passed over, any other sign is an error."""
    return as_text(base64.b64decode(_LINE_ENDS.sub("", text), validate=True))


def _url_decoded(text: str) -> str:
    return as_text(base64.b64decode(_LINE_ENDS.sub("", text), b"-_", validate=True))


def _digest(text: str) -> str:
    return hashlib.sha256(as_bytes(text)).hexdigest()


def _timestamp(layout: str = "") -> str:
    now = datetime.now(tz=UTC)
    if layout == "unix":
        return str(int(now.timestamp()))
    if layout not in _TIME_LAYOUTS:
        raise ValueError(f"the layouts known here are {', '.join(map(repr, _TIME_LAYOUTS))} and 'unix'")
    return now.strftime(_TIME_LAYOUTS[layout])


# ---- consul-template's, on numbers and lists


def _sum(second: Any, first: Any) -> Any:
    return first + second


def _difference(second: Any, first: Any) -> Any:
    return first - second


def _product(second: Any, first: Any) -> Any:
    return first * second


def _quotient(second: Any, first: Any) -> Any:
    return first // second if isinstance(first, int) and isinstance(second, int) else first / second


def _remainder(second: int, first: int) -> int:
    return first % second


def _smaller(second: Any, first: Any) -> Any:
    return min(first, second)


def _larger(second: Any, first: Any) -> Any:
    return max(first, second)


def _is_true(text: str) -> bool:
    return text in _TRUE


def _counted(*bounds: int) -> list[int]:
    return list(range(*bounds))


def _is_in(value: Any, items: Any) -> bool:
    return value in items


# ---- consul-template's, on documents


def _json(value: Any) -> str:
    """As Go marshals: sorted keys, and HTML's signs escaped."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _pretty_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False)


def _parsed(text: str) -> Any:
    return json.loads(text) if text else {}


_TEXT: dict[str, Callable[..., Any]] = {
    "toLower": str.lower,
    "toUpper": str.upper,
    "toTitle": str.title,
    "trim": _stripped,
    "trimSpace": str.strip,
    "trimPrefix": _without_prefix,
    "trimSuffix": _without_suffix,
    "replaceAll": _replaced,
    "split": _split,
    "join": _joined,
    "indent": _indented,
    "regexMatch": _is_matching,
    "regexReplaceAll": _rewritten,
    "base64Encode": _encoded,
    "base64Decode": _decoded,
    "base64URLEncode": _url_encoded,
    "base64URLDecode": _url_decoded,
    "sha256Hex": _digest,
    "timestamp": _timestamp,
}
_NUMBERS: dict[str, Callable[..., Any]] = {
    "add": _sum,
    "subtract": _difference,
    "multiply": _product,
    "divide": _quotient,
    "modulo": _remainder,
    "minimum": _smaller,
    "maximum": _larger,
    "parseInt": int,
    "parseUint": int,
    "parseFloat": float,
    "parseBool": _is_true,
    "loop": _counted,
    "contains": _is_in,
    "in": operator.contains,
}
_DOCUMENTS: dict[str, Callable[..., Any]] = {
    "toJSON": _json,
    "toJSONPretty": _pretty_json,
    "parseJSON": _parsed,
}
