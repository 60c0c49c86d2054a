"""Durations, addresses and names as a person writes them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from outrider.spec.service import Ingress
from outrider.spec.values import duration, milliseconds, shown, web_address


@pytest.mark.parametrize(
    ("text", "value"),
    [("800ms", 800), ("5s", 5_000), ("2m", 120_000), ("1h", 3_600_000), ("1m30s", 90_000), ("1.5s", 1_500), ("0s", 0)],
)
def test_a_duration_is_whole_milliseconds(text: str, value: int) -> None:
    assert milliseconds(text) == value


@pytest.mark.parametrize(
    "text", ["5", "5 s", "s", "", "-5s", "1.5ms", "5d", "5S", "\u0665s", "1e3s", "5s\n", "9" * 99 + "s"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    assert milliseconds(text) is None


@pytest.mark.parametrize("text", ["800ms", "5s", "2m", "1h", "90s", "36h"])
def test_a_duration_is_written_in_its_largest_whole_unit(text: str) -> None:
    assert duration(milliseconds(text) or 0) == text


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "//evil.example/x",
        "/relative",
        "ftp://x/y",
        "http://",
        "http:///x",
        "https://user:pass@x/",
        "https://x/ y",
        "https://x/\ny",
        "https://x/\u202e",
        "http://x:99999/",
        "http://[::1",
        "https://e\u0430.example/",
        " https://x/",
    ],
)
def test_a_link_leads_to_http_or_https_or_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        web_address(text)


@pytest.mark.parametrize(
    "text", ["https://wiki.example/checkout", "http://[::1]:8500", "http://10.0.0.1:4646/ui?x=1#y"]
)
def test_an_http_address_comes_back_as_it_was(text: str) -> None:
    assert web_address(text) == text


def test_a_message_shows_no_control_characters_and_no_novels() -> None:
    assert shown("a\x1b[31m\nb") == '"a\\x1b[31m\\nb"'
    assert len(shown("x" * 1_000)) < 70
    assert [shown(value) for value in (None, True, {"a": 1}, [1], 5)] == ["nothing", "true", "a map", "a list", "5"]


@pytest.mark.parametrize(("text", "value"), [("none", "none"), ("100ms", 100), ("1h", 3_600_000)])
def test_how_long_an_app_keeps_a_connection_is_a_duration_or_none_and_leaves_as_it_is_written(
    text: str, value: int | str
) -> None:
    kept = Ingress.model_validate({"keep_alive": text})
    assert kept.keep_alive == value
    assert (kept.model_dump()["keep_alive"], kept.model_dump(mode="json")["keep_alive"]) == (value, text)


@pytest.mark.parametrize("value", ["0s", "0ms", 0, None, False])
def test_no_time_at_all_is_written_as_none(value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Ingress.model_validate({"keep_alive": value})
    (error,) = caught.value.errors()
    assert error.get("ctx", {})["suggestion"] == "none"
    assert error["msg"].startswith("must be a duration from 100ms to 1h, or none")


@pytest.mark.parametrize("value", ["99ms", "2h", "None", 5, [1], {"a": 1}, ""])
def test_what_is_neither_a_duration_within_bounds_nor_none_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        Ingress.model_validate({"keep_alive": value})
