"""Durations, addresses and names as a person writes them."""

from __future__ import annotations

import pytest
from pydantic_core import PydanticCustomError

from outrider.spec.values import duration, host_and_port, milliseconds, shown, web_address


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


@pytest.mark.parametrize(
    "text", ["fx.example.com", "fx:0", "fx:65536", ":443", "a b:1", "::1:80", "fx:443/x", "http://fx:1"]
)
def test_an_address_outside_needs_host_and_port(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        host_and_port(text)


@pytest.mark.parametrize("text", ["fx.example.com:443", "10.0.0.1:80", "[2001:db8::1]:443"])
def test_host_and_port_come_back_as_they_were(text: str) -> None:
    assert host_and_port(text) == text


def test_a_message_shows_no_control_characters_and_no_novels() -> None:
    assert shown("a\x1b[31m\nb") == '"a\\x1b[31m\\nb"'
    assert len(shown("x" * 1_000)) < 70
    assert [shown(value) for value in (None, True, {"a": 1}, [1], 5)] == ["nothing", "true", "a map", "a list", "5"]
