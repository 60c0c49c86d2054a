"""HTTP/1.1 requests as the agent's server reads them, without a socket; of a body it keeps the two ends.

Envoy's poll is 77 KB, of which only the first and the last few hundred bytes matter (see ``discovery``).
"""

from __future__ import annotations

from outrider_agent.responses import Headers, headers_of, is_number

LONGEST_HEAD = 16 * 1024
LONGEST_BODY = 1024 * 1024
ENDS = 2048  # bytes kept of either end of a body


class BadRequestError(ValueError):
    """A request that is refused; ``status`` is the answer to it, after which the connection closes."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Request:
    """One complete request; ``body`` is all of it where it is short or was asked for whole, else None."""

    __slots__ = ("body", "head", "headers", "keeps_alive", "method", "path", "tail")

    def __init__(self, method: str, path: str, headers: Headers) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.keeps_alive = True
        self.head = b""
        self.tail = b""
        self.body: bytes | None = None


class RequestReader:
    """Requests of one connection, one after the other."""

    __slots__ = ("_buffer", "_head", "_left", "_request", "_tail", "_whole", "keeps_bodies")

    def __init__(self) -> None:
        self.keeps_bodies = False
        self._buffer = b""
        self._request: Request | None = None
        self._left = 0
        self._head = b""
        self._tail = b""
        self._whole: list[bytes] = []

    @property
    def is_between_requests(self) -> bool:
        return self._request is None and not self._buffer

    def receive(self, data: bytes) -> Request | None:
        """The request that these bytes complete, if any; ``receive(b"")`` asks for one that came with the last.

        Raise BadRequestError for what is refused.
        """
        self._buffer += data
        if self._request is None and not self._read_head():
            return None
        self._read_body()
        return None if self._left else self._finished()

    def _read_head(self) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if len(head) > LONGEST_HEAD:
            raise BadRequestError(431, "headers without end")
        if not end:
            return False
        self._buffer = rest
        line, *lines = head.decode("latin-1").split("\r\n")
        self._request = _request(line, _headers(lines))
        self._left = _length(self._request.headers)
        return True

    def _read_body(self) -> None:
        piece = self._buffer[: self._left]
        self._buffer = self._buffer[len(piece) :]
        self._left -= len(piece)
        self._head += piece[: ENDS - len(self._head)]
        self._tail = (self._tail + piece[-ENDS:])[-ENDS:]
        if self.keeps_bodies:
            self._whole.append(piece)

    def _finished(self) -> Request:
        request = self._request
        assert request is not None  # noqa: S101  for the type checker: _left is 0 only after a head
        request.head, request.tail = self._head, self._tail
        if self.keeps_bodies:
            request.body = b"".join(self._whole)
        elif len(self._tail) < ENDS:
            request.body = self._tail
        self._request, self._head, self._tail, self._whole = None, b"", b"", []
        return request


def _request(line: str, headers: Headers) -> Request:
    method, _, rest = line.partition(" ")
    target, _, version = rest.partition(" ")
    if not method.isalpha() or not target.startswith("/") or version not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequestError(400, "no HTTP request")
    request = Request(method, target.partition("?")[0], headers)
    request.keeps_alive = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return request


def _headers(lines: list[str]) -> Headers:
    try:
        return headers_of(lines)
    except ValueError as problem:
        raise BadRequestError(400, str(problem)) from problem


def _length(headers: Headers) -> int:
    if "transfer-encoding" in headers:
        raise BadRequestError(411, "a body without a length")
    length = headers.get("content-length", "0")
    if not is_number(length):
        raise BadRequestError(400, "a length that is none")
    if int(length) > LONGEST_BODY:
        raise BadRequestError(413, f"a body of more than {LONGEST_BODY} bytes")
    return int(length)
