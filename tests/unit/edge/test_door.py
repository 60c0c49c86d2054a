"""The door: which requests are a browser's in a stranger's name, and which a program's or a person's."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2
import pytest
from outrider_ground.edge.door import Door
from starlette.responses import PlainTextResponse

BEHIND = PlainTextResponse("in")
URL = "https://outrider.example"
Headers = dict[str, str]


async def asked(
    method: str, headers: Headers, *, at: str = "http://127.0.0.1:7070", refuses_forms: bool = False
) -> int:
    """The status for a request to a server whose people know it as URL, and as `also.example`."""
    app = Door(BEHIND, hosts=("also.example", "[fd00::7]:7070"), url=URL, refuses_forms=refuses_forms)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=at) as client:
        return (await client.request(method, "/v1/jobs", headers=headers)).status_code


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:7070", "127.0.0.1:9000", "127.8.9.1", "localhost", "LOCALHOST:7070", "localhost."),
        *("[::1]", "[::1]:7070", "[0:0:0:0:0:0:0:1]:7070", "[::ffff:127.0.0.1]:7070"),
        *("outrider.example", "OUTRIDER.example.:443", "also.example:7070", "[fd00::7]"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "DELETE"])
async def test_it_answers_under_its_own_names(host: str, method: str) -> None:
    assert await asked(method, {"Host": host}) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:7070", "127.0.0.1.evil.example", "localhost.evil.example", "evil-localhost"),
        *("127.0.0.1.nip.io:7070", "127.0.0.1@evil.example", "127.0.0.1:7070@evil.example", "evil.example#localhost"),
        *("0.0.0.0:7070", "[::]", "192.0.2.1", "169.254.169.254", "[fe80::1]", "2130706433", "outrider.example.evil"),
        *("", " ", "localhost:port", "[::1", "localhost localhost", "localhost,evil.example", "also.example/../"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT", "HEAD"])
async def test_dns_rebinding_gets_nothing_under_another_name(host: str, method: str) -> None:
    assert await asked(method, {"Host": host}) == 421


async def test_the_address_of_the_connection_is_a_name_that_nobody_can_rebind() -> None:
    assert await asked("GET", {"Host": "10.0.0.5:7070"}, at="http://10.0.0.5:7070") == 200
    assert await asked("GET", {"Host": "10.0.0.6:7070"}, at="http://10.0.0.5:7070") == 421
    assert await asked("GET", {"Host": "testserver"}, at="http://testserver:7070") == 421


async def test_what_a_proxy_is_said_to_have_heard_changes_nothing() -> None:
    assert await asked("GET", {"Host": "evil.example", "X-Forwarded-Host": "localhost"}) == 421
    assert await asked("GET", {"Host": "localhost", "X-Forwarded-Host": "evil.example"}) == 200


async def test_a_second_host_does_not_hide_behind_the_first() -> None:
    door = Door(BEHIND)
    scope = {"type": "http", "method": "GET", "headers": [(b"host", b"localhost"), (b"host", b"evil.example")]}
    assert await _status(door, scope) == 421


async def test_a_program_without_a_host_is_no_browser() -> None:
    assert await _status(Door(BEHIND), {"type": "http", "method": "GET", "headers": []}) == 200


async def _status(door: Door, scope: Mapping[str, object]) -> int:
    statuses: list[int] = []

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        statuses.extend([message["status"]] if "status" in message else [])

    await door(dict(scope), None, send)  # type: ignore[arg-type]
    return statuses[0]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "GET", "HEAD"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "https://127.0.0.1"},
        {"Origin": "http://localhost:7070"},
        {"Origin": "http://outrider.example"},
        {"Origin": "https://outrider.example:8443"},
        {"Origin": "https://outrider.example.evil.example"},
        {"Origin": "moz-extension://7b2c"},
        {"Origin": "null", "Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Site": "Same-Origin", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "websocket", "Upgrade": "websocket"},
    ],
)
async def test_a_page_of_another_site_gets_nothing(method: str, headers: Headers) -> None:
    assert await asked(method, headers) == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_of_another_site_that_navigates_changes_nothing(method: str, site: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert await asked(method, headers) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:7070"},
        {"Origin": "HTTP://127.0.0.1:7070"},
        {"Origin": "https://outrider.example"},
        {"Origin": "https://outrider.example:443"},
        {"Host": "also.example", "Origin": "https://also.example"},
        {"Host": "localhost:80", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"User-Agent": "curl/8.5", "Content-Type": "application/x-www-form-urlencoded"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_programs_and_pages_of_its_own_pass(method: str, headers: Headers) -> None:
    assert await asked(method, headers) == 200


async def test_a_link_from_elsewhere_leads_here() -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert await asked("GET", link) == 200


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("text/plain", 415),
        ("Text/Plain;charset=UTF-8", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/x-www-form-urlencoded", 200),
        ("application/json", 200),
        ("", 200),
    ],
)
async def test_the_body_of_a_form_is_none_for_an_api_that_reads_any(content_type: str, status: int) -> None:
    assert await asked("POST", {"Content-Type": content_type}, refuses_forms=True) == status
    assert await asked("PUT", {"Content-Type": content_type}, refuses_forms=True) == 200
