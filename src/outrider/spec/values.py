"""The kinds of single values that a person writes (durations, names, addresses), and the parent of all models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

Item = TypeVar("Item")
# YAML gives lists; models are frozen and hold tuples.
Items = Annotated[tuple[Item, ...], Strict(False)]

DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,3})?(?:ms|s|m|h))+", re.ASCII)
DURATION_PART = re.compile(r"([0-9.]+)(ms|s|m|h)", re.ASCII)
UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
DNS_LABEL = r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"
HIGHEST_PORT = 65_535
A_MAP, A_LIST = "a map", "a list"
NONE = "none"


class Written(BaseModel):
    """A part of a file that a person writes: closed, strict about types, never changed after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True, defer_build=True)


def refusal(message: str, suggestion: str | None = None) -> PydanticCustomError:
    """An error whose text reaches the person as it stands, perhaps with what they may have meant."""
    return PydanticCustomError("refused", "{text}", {"text": message, "suggestion": suggestion})


def milliseconds(text: str) -> int | None:
    """``1m30s`` → 90000; None where the text is no duration. Fractions below a millisecond are no duration."""
    if not DURATION.fullmatch(text):
        return None
    total = sum(Decimal(number) * UNITS[unit] for number, unit in DURATION_PART.findall(text))
    return int(total) if total == int(total) else None


def duration(value: int) -> str:
    """Milliseconds in the largest unit that divides them: 90000 → ``90s``."""
    if value == 0:
        return "0s"
    unit = next(name for name in ("h", "m", "s", "ms") if value % UNITS[name] == 0)
    return f"{value // UNITS[unit]}{unit}"


def duration_text(value: int | str) -> str:
    """A duration as one writes it; ``none`` stays."""
    return duration(value) if isinstance(value, int) else value


# What leaves as JSON is what a person would write, and can be read again by the same models.
AS_WRITTEN = core_schema.plain_serializer_function_ser_schema(duration_text, when_used="json")


@dataclass(frozen=True, slots=True)
class Duration:
    """Marks an ``int`` as a duration: held in whole milliseconds, and in JSON as it is written (``800ms``, ``5s``)."""

    minimum: str
    maximum: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parsed, serialization=AS_WRITTEN)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": f"^{DURATION.pattern}$",
            "x-minimum": self.minimum,
            "x-maximum": self.maximum,
        }

    def parsed(self, value: object) -> int | str:
        """Milliseconds."""
        found = milliseconds(value) if isinstance(value, str) else None
        if found is None:
            is_bare = isinstance(value, int) and not isinstance(value, bool)
            hint = f"a unit, as in {value}ms or {value}s" if is_bare else "to be a duration such as 800ms, 5s or 1m30s"
            raise refusal(f"needs {hint}; found {shown(value)}")
        if not self.lowest <= found <= self.highest:
            raise refusal(f"must be between {self.minimum} and {self.maximum}; found {value}")
        return found

    @property
    def lowest(self) -> int:
        return milliseconds(self.minimum) or 0

    @property
    def highest(self) -> int:
        return milliseconds(self.maximum) or 0


@dataclass(frozen=True, slots=True)
class DurationOrNone(Duration):
    """Marks an ``int | Literal["none"]`` as a duration, or the word for not at all."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parsed, serialization=AS_WRITTEN)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        bounds = {"x-minimum": self.minimum, "x-maximum": self.maximum}
        return {"anyOf": [{"type": "string", "pattern": f"^{DURATION.pattern}$"}, {"const": NONE}], **bounds}

    def parsed(self, value: object) -> int | str:
        """Milliseconds, or ``none``; nothing below the shortest is taken for it in silence."""
        if value == NONE:
            return NONE
        if value in (0, None) or (isinstance(value, str) and milliseconds(value) == 0):
            raise refusal(
                f"must be a duration from {self.minimum} to {self.maximum}, or none; found {shown(value)}", NONE
            )
        return Duration.parsed(self, value)


@dataclass(frozen=True, slots=True)
class Matching:
    """Marks a ``str`` as matching a pattern; ``wanted`` completes the sentence "must be …"."""

    pattern: str
    wanted: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.matched, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}

    def matched(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise refusal(f"must be {self.wanted}; found {shown(text)}", self.fitting(text))
        return text

    def fitting(self, text: str) -> str | None:
        """The text in small letters and with dashes, where that is all it lacks."""
        plain = re.sub(r"[\s_.]+", "-", text.strip().lower())
        return plain if re.fullmatch(self.pattern, plain) else None


def shown(value: object) -> str:
    """A value as it may stand in a message: short, on one line, quoted where it is text."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return A_MAP
    if isinstance(value, (list, tuple)):
        return A_LIST
    text = str(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004
    return f'"{printable(text)}"' if isinstance(value, str) else text


@dataclass(frozen=True, slots=True)
class InBytes:
    """Marks a ``str`` as at most that many bytes of UTF-8, as servers count."""

    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.fitting, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "maxLength": self.most}

    def fitting(self, text: str) -> str:
        size = len(text.encode())
        if size > self.most:
            raise refusal(f"must be at most {self.most} bytes long; found {size} bytes")
        return text


def printable(text: str) -> str:
    """The text with everything that a terminal could take as a command written as an escape."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def web_address(text: str) -> str:
    """The text, where it is an http or https address that is safe to put into a page as a link."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or not re.fullmatch(r"[\x21-\x7e]{1,2000}", text):
        raise refusal(f"must be an http:// or https:// address without spaces; found {shown(text)}")
    if "@" in parts.netloc:
        raise refusal("must not hold a user name or a password: files like this one are read by many")
    return text


def line_of_text(text: str) -> str:
    """The text, where it has no line break or other control character."""
    if not text.isprintable():
        raise refusal(f"must be one line without control characters; found {shown(text)}")
    return text


DnsLabel = Annotated[
    str, Matching(DNS_LABEL, "a DNS label: at most 63 of a-z, 0-9 and -, first a letter, last no dash")
]
WebAddress = Annotated[
    str, AfterValidator(web_address), WithJsonSchema({"type": "string", "pattern": r"^https?://[\x21-\x7e]{1,1990}$"})
]
Line = Annotated[str, AfterValidator(line_of_text), Field(min_length=1, max_length=1_000)]
PortNumber = Annotated[int, Field(ge=1, le=HIGHEST_PORT)]
