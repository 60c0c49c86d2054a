"""What may be shown of a document that may hold a secret: values that nobody shall read become ``(sensitive value)``; pure.

Two things are known of a value: the name that it stands under, and how it looks (an address with a password in it, a token
of a well-known form, a private key). Either is enough. A reference (``{vault: PATH#FIELD}``) is no secret, its value is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from operator import is_
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    from outrider.documents import Json

SENSITIVE: Final = "(sensitive value)"
REFERENCES: Final = {"vault": "vault", "nomad_variable": "the Nomad variable"}
"""Keys of a spec that say where a secret is read from."""

_INSIDE = "password|passwd|passphrase|secret|credential|api[_-]?key|access[_-]?key|private[_-]?key|apikey"
_WORDS = frozenset(
    {"pass", "pwd", "pw", "token", "tokens", "auth", "authorization", "dsn", "cookie", "salt", "bearer", "jwt"}
)
_LAST = frozenset({"key", "keys", "auths"})
_FIELD_LAST = frozenset({"pass", "pwd", "token", "auth", "auths", "authorization", "dsn", "jwt", "cookie"})
_PUBLIC = "public"
# Of these parts of a document people choose the names themselves.
_CHOSEN = frozenset(
    {"env", "meta", "canarymeta", "headers", "getterheaders", "getteroptions", "header", "sysctl", "labels"}
)
_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_NAMED = rf"[\w.-]*?(?:{_INSIDE}|(?<![a-z])(?:pass|pwd|token|auth)(?![a-z]))[\w.-]*"
_NAMES = f"{_INSIDE}|pass|pwd|token|auth"


class Look(NamedTuple):
    """What a secret looks like, what is shown instead, and what each such text has in lower case: found far sooner."""

    hint: re.Pattern[str]
    pattern: re.Pattern[str]
    instead: str


def _look(hint: str, pattern: str, instead: str) -> Look:
    return Look(re.compile(hint), re.compile(pattern), instead)


LOOKS: Final = (
    _look("private key", r"(?s)-----BEGIN [^-\n]*PRIVATE KEY-----.*?(?:-----END [^-\n]*-----|\Z)", SENSITIVE),
    _look("@", r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s\"'<>/?#@:]*:[^\s\"'<>]*@", rf"\1{SENSITIVE}@"),
    _look("@", r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s\"'<>/?#]+@", rf"\1{SENSITIVE}@"),
    _look(
        "[?&;]",
        rf"(?i)([?&;](?:{_NAMED}|key|sig|[\w.-]*signature)=)[^&\s\"'#;]+",
        rf"\1{SENSITIVE}",
    ),
    _look("authorization", r"(?i)\b(authorization[\"']?\s*[:=]\s*[\"']?)[^\n\"']+", rf"\1{SENSITIVE}"),
    _look("bearer|basic", r"(?i)\b(bearer|basic)\s+(?=[^\s]*[0-9=])[A-Za-z0-9._~+/=-]{8,}", rf"\1 {SENSITIVE}"),
    _look(
        r"eyj|gh[pousr]_|github_pat_|glpat-|hv[sbr]\.|xox|akia|asia|sk_",
        r"\b(?:eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hv[sbr]\.[\w-]{16,}"
        r"|xox[abeprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}|sk_(?:live|test)_\w{10,})",
        SENSITIVE,
    ),
)
# A name and what follows it; what is read from elsewhere (``{{ … }}``) is a reference.
ASSIGNED: Final = (
    _look(_NAMES, rf"(?im)(--?{_NAMED})([ =]+)(?![ -])(?!\{{\{{)\S+", rf"\1\2{SENSITIVE}"),
    _look(
        _NAMES,
        rf"(?im)(\b{_NAMED}[\"']?[ \t]*(?:=>|:=|=|:)[ \t]*[\"']?)(?![\"']?\{{\{{)(?!\(sensitive)[^\s\"',][^\n\"']*",
        rf"\1{SENSITIVE}",
    ),
)
_ANY = re.compile("|".join(dict.fromkeys(one.hint.pattern for one in (*LOOKS, *ASSIGNED))))
_PAIRS: Final = ({"key", "value"}, {"name", "value"})
_FLAG = re.compile(rf"(?i)--?{_NAMED}")


@lru_cache(maxsize=4_096)
def is_secret_variable(name: str) -> bool:
    """Whether people call something so that nobody else may know; rather once too often than once too rarely."""
    words = [word.lower() for word in _SPLIT.split(name) if word]
    if not words or (_PUBLIC in words and words[-1] in _LAST):
        return False
    by_word = not _WORDS.isdisjoint(words) or words[-1] in _LAST or words[-1].endswith(("token", "pass"))
    return by_word or bool(re.search(_INSIDE, name, re.IGNORECASE))


@lru_cache(maxsize=4_096)
def is_secret_field(name: str) -> bool:
    """Whether a field of a foreign document holds a secret: ``auth_password`` does, ``token_bucket`` does not."""
    words = [word.lower() for word in _SPLIT.split(name) if word]
    return bool(words) and (words[-1] in _FIELD_LAST or bool(re.search(rf"(?:{_INSIDE})s?$", name, re.IGNORECASE)))


def plain(text: str) -> str:
    """The text of somebody's document without what looks like a secret in it, or follows the name of one."""
    return _replaced(text, (*LOOKS, *ASSIGNED))


def told(sentence: str) -> str:
    """A sentence of ours or of a server's without what looks like a secret in it."""
    return _replaced(sentence, LOOKS)


def _replaced(text: str, looks: tuple[Look, ...]) -> str:
    lower = text.lower()
    # What is not ASCII may be a letter in another case of its own: there no hint is asked.
    if text.isascii() and not _ANY.search(lower):
        return text
    for hint, pattern, instead in looks:
        if not text.isascii() or hint.search(lower):
            text = pattern.sub(instead, text)
    return text


def masked(value: Any, path: tuple[str, ...] = ()) -> Any:
    """The value as it may be shown; ``path`` are the names above it, from the outermost one.

    What holds no secret is the same object as before: a large document is not there twice for a few words.
    """
    if is_kept_elsewhere(value):
        ((kind, where),) = cast("dict[str, Any]", value).items()
        return f"{SENSITIVE} from {REFERENCES[kind]} {where}"
    if path and _is_secret(path) and value not in (None, "", [], {}) and not isinstance(value, bool):
        return SENSITIVE if not _is_template(value) else value
    if isinstance(value, dict):
        fields = cast("Json", value)
        written = _written_at(fields)
        shown = {
            key: masked(part, written if key == "value" and written else (*path, str(key)))
            for key, part in fields.items()
        }
        return fields if all(map(is_, shown.values(), fields.values())) else shown
    if isinstance(value, (list, tuple)):
        items = cast("list[Any]", value)
        parts = list(_parts(items, path))
        return items if isinstance(value, list) and all(map(is_, parts, items)) else parts
    return plain(value) if isinstance(value, str) else value


def is_kept_elsewhere(value: Any) -> bool:
    """Whether it is a reference to a secret, and so what stood in its place was one too."""
    if not isinstance(value, Mapping) or len(cast("Mapping[str, Any]", value)) != 1:
        return False
    ((kind, where),) = cast("Mapping[str, Any]", value).items()
    return kind in REFERENCES and isinstance(where, str)


def _is_secret(path: tuple[str, ...]) -> bool:
    *above, name = path
    is_chosen = bool(above) and above[-1].lower() in _CHOSEN
    return is_secret_variable(name) if is_chosen else is_secret_field(name)


def _is_template(value: Any) -> bool:
    """What Nomad reads from elsewhere is a reference, not a secret."""
    return isinstance(value, str) and value.startswith(("{{", SENSITIVE))


def _parts(values: list[Any], path: tuple[str, ...]) -> Iterator[Any]:
    """What follows a flag such as ``--password`` is its value; of pairs of name and value the name counts."""
    is_value = False
    for value in values:
        if is_value and isinstance(value, str):
            yield SENSITIVE
        else:
            yield _pair(value) if _is_pair(value) else masked(value, path)
        is_value = isinstance(value, str) and bool(_FLAG.fullmatch(value))


def _written_at(value: Json) -> tuple[str, ...]:
    """Of an operation of JSON Patch the names above the value that it writes; () for anything else."""
    where = value.get("path")
    return tuple(where.split("/")) if "op" in value and isinstance(where, str) else ()


def _is_pair(value: Any) -> bool:
    is_short = isinstance(value, dict) and len(cast("Json", value)) == len(_PAIRS[0])
    return is_short and {str(key).lower() for key in cast("Json", value)} in _PAIRS


def _pair(value: Json) -> Json:
    name = next(str(part) for key, part in value.items() if key.lower() != "value")
    shown = {key: masked(part, ("env", name)) if key.lower() == "value" else part for key, part in value.items()}
    return value if all(map(is_, shown.values(), value.values())) else shown
