"""HTTP/1.1 responses as a client reads them, without a socket: bytes in, head and body out."""

from __future__ import annotations

from collections.abc import Callable

LONGEST_HEAD = 32 * 1024
LONGEST_CHUNK_LINE = 1024
LONGEST_BODY = 256 * 1024 * 1024  # ends an answer without end; what is kept of a body is its reader's own bound
FIRST_FINAL_STATUS = 200
WITHOUT_BODY = (204, 304)
STATUS_DIGITS = 3
CHUNK_SIZE_DIGITS = 8
NUMBER_DIGITS = 15

Headers = dict[str, str]
Body = Callable[[int, bytes], None]  # takes the status, and a piece of what came with it


class BadResponseError(ValueError):
    """The server broke HTTP, or the answer ended before it was complete."""


class ResponseReader:
    """One response: feed it bytes until ``is_complete``; body bytes go to ``body`` as they come."""

    __slots__ = ("_body", "_buffer", "_left", "_read", "_total", "headers", "is_complete", "keeps_alive", "status")

    def __init__(self, body: Body) -> None:
        self._body = body
        self._buffer = b""
        self._read: Callable[[], bool] = self._head
        self._left = 0
        self._total = 0
        self.status = 0
        self.headers: Headers = {}
        self.is_complete = False
        self.keeps_alive = True

    def receive(self, data: bytes) -> None:
        """Raise BadResponseError for what is no HTTP response."""
        if self.is_complete:
            raise BadResponseError("bytes after the end of the answer")
        self._buffer += data
        while not self.is_complete and self._read():
            pass
        if self.is_complete and self._buffer:
            self.keeps_alive = False

    def closed(self) -> None:
        """The server closed; raise BadResponseError unless that is how this answer ends."""
        if not self.is_complete and self._read == self._until_close:
            self.is_complete = True
        elif not self.is_complete:
            raise BadResponseError("closed before the end of the answer" if self.status else "closed without an answer")

    def _head(self) -> bool:
        """The status line and headers; true when they were complete."""
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            if len(self._buffer) > LONGEST_HEAD:
                raise BadResponseError("headers without end")
            return False
        self._buffer = rest
        status_line, *lines = head.decode("latin-1").split("\r\n")
        self.status = status_of(status_line)
        self.headers = headers_of(lines)
        if self.status < FIRST_FINAL_STATUS:
            return True  # 100 Continue and the like: the real answer follows
        self._read = self._framing(status_line)
        return True

    def _framing(self, status_line: str) -> Callable[[], bool]:
        """How the body ends (RFC 9112, 6.3)."""
        closes = self.headers.get("connection", "").lower() == "close"
        self.keeps_alive = status_line.startswith("HTTP/1.1") and not closes
        if self.headers.get("content-encoding", "identity") != "identity":
            raise BadResponseError("compressed, which nobody asked for")
        if self.status in WITHOUT_BODY:
            return self._complete
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunk_size
        length = self.headers.get("content-length")
        if length is None:
            self.keeps_alive = False
            return self._until_close
        self._left = length_of(length)
        return self._counted

    def _complete(self) -> bool:
        self.is_complete = True
        return False

    def _counted(self) -> bool:
        self._pass(self._left)
        self.is_complete = self._left == 0
        return False

    def _until_close(self) -> bool:
        self._pass(len(self._buffer))
        return False

    def _chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._left = size_of(line)
        self._read = self._chunk if self._left else self._trailer
        return True

    def _chunk(self) -> bool:
        self._pass(self._left)
        if self._left:
            return False
        self._read = self._chunk_end
        return True

    def _chunk_end(self) -> bool:
        line = self._line()
        if line:
            raise BadResponseError("a chunk longer than its size")
        self._read = self._chunk_size if line is not None else self._chunk_end
        return line is not None

    def _trailer(self) -> bool:
        line = self._line()
        self.is_complete = line == b""
        return bool(line)

    def _line(self) -> bytes | None:
        line, end, rest = self._buffer.partition(b"\r\n")
        if len(line) > LONGEST_CHUNK_LINE:
            raise BadResponseError("a chunk's line without end")
        if not end:
            return None
        self._buffer = rest
        return line

    def _pass(self, most: int) -> None:
        """Hand up to ``most`` bytes on to the body."""
        piece = self._buffer[:most]
        self._buffer = self._buffer[len(piece) :]
        self._left = max(0, self._left - len(piece))
        self._total += len(piece)
        if self._total > LONGEST_BODY:
            raise BadResponseError(f"a body of more than {LONGEST_BODY} bytes")
        if piece:
            self._body(self.status, piece)


def status_of(line: str) -> int:
    version, _, rest = line.partition(" ")
    status = rest[:STATUS_DIGITS]
    if not version.startswith("HTTP/1.") or len(status) != STATUS_DIGITS or not is_number(status):
        raise BadResponseError(f"no HTTP answer: {line[:60]!r}")
    return int(status)


def headers_of(lines: list[str]) -> Headers:
    """Names in lower case; of a repeated one the last, except for a length that contradicts itself."""
    headers: Headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon or (name == "content-length" and headers.get(name, value) != value):
            raise BadResponseError(f"a header that cannot be: {line[:60]!r}")
        headers[name] = value
    return headers


def length_of(text: str) -> int:
    if not is_number(text):
        raise BadResponseError(f"the content-length {text[:20]!r}")
    return int(text)


def size_of(line: bytes) -> int:
    size = line.partition(b";")[0].strip()
    if not size or len(size) > CHUNK_SIZE_DIGITS or not all(digit in b"0123456789abcdefABCDEF" for digit in size):
        raise BadResponseError(f"the chunk size {size[:20]!r}")
    return int(size, 16)


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS
