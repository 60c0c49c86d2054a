"""consul-template's functions that need nothing but their arguments.

It takes the operand that a pipe brings last. Go's text may be any bytes: here those that are no
UTF-8 stand in it as Python's surrogates, and come out as they were (``as_bytes``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

from outrider_embedded.template_collections import collection_functions, split_map
from outrider_embedded.template_go import go_functions
from outrider_embedded.template_json import json_functions, parsed_json
from outrider_embedded.template_numbers import number_functions, parsing_functions
from outrider_embedded.template_objects import Item, Texts, grouping_functions
from outrider_embedded.template_printf import as_bytes, as_text, type_name
from outrider_embedded.template_regexp import is_matching, rewritten
from outrider_embedded.template_sprig import sprig_functions
from outrider_embedded.template_time import timestamp
from outrider_embedded.template_yaml import parsed_yaml, written_yaml

_LINE_ENDS = re.compile("[\r\n]")
_WORD = re.compile(r"\w+(?:['.:\u2019]\w+)*")
_LETTER = re.compile(r"[^\W\d_]")


def functions() -> dict[str, Callable[..., Any]]:
    """Go's and consul-template's, by the name that templates call them."""
    written = json_functions() | {"toYAML": written_yaml}
    collections = collection_functions() | grouping_functions()
    return go_functions() | _typed() | _OTHER | number_functions() | written | collections | sprig_functions()


def _stripped(cut: str, text: str) -> str:
    return text.strip(cut)


def _without_prefix(prefix: str, text: str) -> str:
    return text.removeprefix(prefix)


def _without_suffix(suffix: str, text: str) -> str:
    return text.removesuffix(suffix)


def _replaced(old: str, new: str, text: str) -> str:
    return text.replace(old, new)


def _split(separator: str, text: str) -> list[str]:
    """Without the space around the whole; nothing is no part."""
    bare = text.strip()
    if not bare:
        return Texts()
    return Texts(bare.split(separator) if separator else bare)


def _joined(separator: str, items: list[str]) -> str:
    """Of texts only: a list of JSON is a list of anything, which Go does not take for it."""
    if not isinstance(items, Texts):
        raise TypeError("wrong type for value; expected []string; got []interface {}")
    return separator.join(items)


def _indented(spaces: int, text: str) -> str:
    if spaces < 0:
        raise ValueError("indent value must be a positive integer")
    return "\n".join(" " * spaces + line if line else line for line in text.split("\n"))


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


def _old_digest(text: str) -> str:
    return hashlib.md5(as_bytes(text), usedforsecurity=False).hexdigest()


def _keyed_digest(text: str, key: str) -> str:
    return hmac.new(as_bytes(key), as_bytes(text), hashlib.sha256).hexdigest()


def _lowered(text: str) -> str:
    """Letter by letter: none becomes two."""
    return "".join(letter.lower()[0] for letter in text)


def _raised(text: str) -> str:
    return "".join(_single(letter, letter.upper()) for letter in text)


def _titled(text: str) -> str:
    """Each word's first letter in upper case, the others as they are."""
    return _WORD.sub(
        lambda word: _LETTER.sub(lambda found: _single(found[0], found[0].title()), word[0], count=1), text
    )


def _single(letter: str, changed: str) -> str:
    return changed if len(changed) == 1 else letter


def _of_texts(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    """A function of that many texts, and of nothing else: Go knows the types of its functions."""

    def typed(*texts: Any) -> Any:
        if len(texts) != count:
            raise TypeError(f"wrong number of args: want {count} got {len(texts)}")
        for one in texts:
            if not isinstance(one, str) or isinstance(one, Item):
                raise TypeError(f"wrong type for value; expected string; got {type_name(one)}")
        return function(*texts)

    return typed


def _typed() -> dict[str, Callable[..., Any]]:
    counts = {name: (function, count) for count, named in _TEXTS.items() for name, function in named.items()}
    return {name: _of_texts(function, count) for name, (function, count) in counts.items()}


_TEXTS: dict[int, dict[str, Callable[..., Any]]] = {
    1: {
        "toLower": _lowered,
        "toUpper": _raised,
        "toTitle": _titled,
        "trimSpace": str.strip,
        "base64Encode": _encoded,
        "base64Decode": _decoded,
        "base64URLEncode": _url_encoded,
        "base64URLDecode": _url_decoded,
        "sha256Hex": _digest,
        "md5sum": _old_digest,
        "parseJSON": parsed_json,
        "parseYAML": parsed_yaml,
        **parsing_functions(),
    },
    2: {
        "trim": _stripped,
        "trimPrefix": _without_prefix,
        "trimSuffix": _without_suffix,
        "split": _split,
        "hmacSHA256Hex": _keyed_digest,
        "regexMatch": is_matching,
    },
    3: {"replaceAll": _replaced, "splitToMap": split_map, "regexReplaceAll": rewritten},
}
_OTHER: dict[str, Callable[..., Any]] = {"join": _joined, "indent": _indented, "timestamp": timestamp}
