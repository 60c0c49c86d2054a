"""HTTP checks: 2xx is passing, 429 warning, all else critical."""

from __future__ import annotations

import contextlib
import ssl
from functools import cache
from urllib.parse import urlsplit

import httpx2

from outrider_embedded.registry.check import CRITICAL, PASSING, WARNING
from outrider_embedded.registry.definition import Definition
from outrider_embedded.registry.probe_result import LONGEST_OUTPUT, ProbeResult
from outrider_embedded.registry.probe_tcp import dial_failure

_HEADERS = {
    "User-Agent": "Consul Health Check",
    "Accept": "text/plain, text/*, */*",
    "Accept-Encoding": "gzip",
    "Connection": "close",
}
_MOST_REDIRECTS = 10
_TOO_MANY = 429
_LATE = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"


async def verdict(wanted: Definition) -> ProbeResult:
    try:
        _require_port(wanted.target)
        async with (
            _client(wanted) as client,
            client.stream(
                wanted.method,
                wanted.target,
                headers=_headers(wanted),
                content=wanted.body.encode() or None,
            ) as response,
        ):
            return ProbeResult(_status(response.status_code), await _output(wanted, response))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        return ProbeResult(CRITICAL, f'{wanted.method.capitalize()} "{wanted.target}": {_failure(wanted, error)}')


def _require_port(target: str) -> None:
    """ValueError for a port beyond 65535, which would end the connection attempt in a way of its own."""
    _ = urlsplit(target).port


def _client(wanted: Definition) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        verify=_trust(wanted.skip_verify),
        timeout=wanted.timeout,
        follow_redirects=True,
        max_redirects=_MOST_REDIRECTS,
        trust_env=False,
    )


@cache
def _trust(skip_verify: bool) -> ssl.SSLContext:  # noqa: FBT001  # the key of a cache
    """Built once: reading the system's certificates takes longer than a check."""
    context = ssl.create_default_context()
    if skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _headers(wanted: Definition) -> list[tuple[bytes, bytes]]:
    named = {name.lower() for name in wanted.header}
    given = [(name, value) for name, values in wanted.header.items() for value in values]
    own = [(name, value) for name, value in _HEADERS.items() if name.lower() not in named]
    return [(name.encode(), value.encode()) for name, value in own + given]


def _status(code: int) -> str:
    if httpx2.codes.is_success(code):
        return PASSING
    return WARNING if code == _TOO_MANY else CRITICAL


async def _output(wanted: Definition, response: httpx2.Response) -> str:
    """The end of what it said, as much as Consul keeps."""
    body = b""
    with contextlib.suppress(httpx2.HTTPError):
        async for part in response.aiter_bytes():
            body = (body + part)[-LONGEST_OUTPUT:]
    line = f"HTTP {wanted.method} {wanted.target}: {response.status_code} {response.reason_phrase}"
    return f"{line} Output: {body.decode('utf-8', 'replace')}"


def _failure(wanted: Definition, error: Exception) -> str:
    if isinstance(error, httpx2.TooManyRedirects):
        return f"stopped after {_MOST_REDIRECTS} redirects"
    if isinstance(error, httpx2.TimeoutException):
        return _LATE
    if isinstance(error, httpx2.RemoteProtocolError):
        return "EOF"
    cause = _root(error)
    if isinstance(cause, (OSError, ValueError)):
        return dial_failure(urlsplit(wanted.target).netloc, cause)
    return str(error)


def _root(error: BaseException) -> BaseException:
    """The first cause: what the operating system said."""
    cause = error.__cause__ or error.__context__
    return error if cause is None else _root(cause)
