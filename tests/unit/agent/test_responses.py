"""HTTP answers in every form and every kind of disorder (A13)."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outrider_agent.responses import LONGEST_CHUNK_LINE, LONGEST_HEAD, BadResponseError, ResponseReader

COUNTED = b"HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.0 200 OK\r\n\r\nhello"


class Answer:
    """A reader with what it read."""

    def __init__(self) -> None:
        self.body = b""
        self.reader = ResponseReader(self.take)

    def take(self, status: int, data: bytes) -> None:
        assert status == self.reader.status
        self.body += data


def answer(*pieces: bytes) -> Answer:
    found = Answer()
    for piece in pieces:
        found.reader.receive(piece)
    return found


@pytest.mark.parametrize("content", [COUNTED, CHUNKED])
def test_a_body_with_an_end_is_read_and_the_connection_kept(content: bytes) -> None:
    found = answer(content)
    assert (found.reader.is_complete, found.reader.status, found.body, found.reader.keeps_alive) == (
        True,
        200,
        b"hello",
        True,
    )


def test_a_body_without_length_ends_with_the_connection() -> None:
    found = answer(UNTIL_CLOSE)
    assert not found.reader.is_complete
    found.reader.closed()
    assert (found.reader.is_complete, found.body, found.reader.keeps_alive) == (True, b"hello", False)


@given(st.sampled_from([COUNTED, CHUNKED]), st.lists(st.integers(0, 120), max_size=12))
def test_it_does_not_matter_where_the_bytes_are_cut(content: bytes, cuts: list[int]) -> None:
    """A13: byte drip."""
    edges = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    found = answer(*(content[start:stop] for start, stop in itertools.pairwise(edges)))
    assert (found.reader.is_complete, found.body) == (True, b"hello")


@given(st.integers(0, len(CHUNKED) - 1), st.sampled_from([COUNTED, CHUNKED]))
def test_an_answer_that_ends_early_is_refused(length: int, content: bytes) -> None:
    """A13: truncated, wrong Content-Length."""
    found = answer(content[: min(length, len(content) - 1)])
    with pytest.raises(BadResponseError):
        found.reader.closed()


def test_headers_are_found_in_lower_case() -> None:
    assert answer(COUNTED).reader.headers["x-consul-index"] == "7"


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body(status: int) -> None:
    assert answer(f"HTTP/1.1 {status} x\r\n\r\n".encode()).reader.is_complete


def test_an_interim_answer_is_passed_over() -> None:
    found = answer(b"HTTP/1.1 100 Continue\r\n\r\n" + COUNTED)
    assert (found.reader.status, found.body) == (200, b"hello")


def test_a_server_that_wants_to_close_is_not_kept() -> None:
    assert not answer(COUNTED.replace(b"X-Consul-Index: 7", b"Connection: close")).reader.keeps_alive
    assert not answer(COUNTED + b"more").reader.keeps_alive


@pytest.mark.parametrize(
    "content",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2000,
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 10_000,
    ],
)
def test_what_breaks_http_is_refused(content: bytes) -> None:
    """A13: wrong Content-Length, bad chunk, gzip, headers without end."""
    with pytest.raises(BadResponseError):
        answer(content)


def test_the_longest_head_and_chunk_line_that_are_read_are_bounded() -> None:
    head = b"HTTP/1.1 200 OK\r\nx: "
    assert not answer(head + b"y" * (LONGEST_HEAD - len(head))).reader.is_complete
    with pytest.raises(BadResponseError, match="headers without end"):
        answer(head + b"y" * (LONGEST_HEAD + 1 - len(head)))
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;"
    assert answer(chunked + b"x" * (LONGEST_CHUNK_LINE - 2) + b"\r\nhe\r\n0\r\n\r\n").body == b"he"
    with pytest.raises(BadResponseError, match="without end"):
        answer(chunked + b"x" * (LONGEST_CHUNK_LINE - 1))


def test_a_head_of_some_kilobytes_is_read_in_whatever_pieces_it_comes() -> None:
    """Consul's certificates and tags make some."""
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: " + b"y" * 20_000 + b"\r\n\r\n"
    assert answer(*(head[at : at + 1_000] for at in range(0, len(head), 1_000))).reader.is_complete


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail_in_another_way(content: bytes) -> None:
    found = Answer()
    try:
        found.reader.receive(b"HTTP/1.1 200 OK\r\n" + content)
        found.reader.closed()
    except BadResponseError:
        return
    assert found.reader.is_complete
