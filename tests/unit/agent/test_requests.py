"""Requests as the server reads them: the two ends of a large body, and what it refuses."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outrider_agent.requests import ENDS, LONGEST_BODY, BadRequestError, Request, RequestReader


def posted(body: bytes, *, headers: str = "") -> bytes:
    return (
        f"POST /v3/discovery:endpoints HTTP/1.1\r\nhost: agent\r\n{headers}content-length: {len(body)}\r\n\r\n".encode()
        + body
    )


def only(reader: RequestReader, *pieces: bytes) -> Request:
    (found,) = [request for piece in pieces if (request := reader.receive(piece))]
    return found


def test_a_request_without_body_is_read() -> None:
    request = only(RequestReader(), b"GET /health?x=1 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (request.method, request.path, request.headers, request.keeps_alive) == (
        "GET",
        "/health",
        {"host": "a"},
        True,
    )


def test_of_a_large_body_only_the_ends_are_kept() -> None:
    body = b"A" * ENDS + b"x" * 70_000 + b"Z" * ENDS
    request = only(RequestReader(), posted(body))
    assert (request.head, request.tail, request.body) == (b"A" * ENDS, b"Z" * ENDS, None)


def test_a_reader_keeps_whole_bodies_where_it_is_told_to() -> None:
    reader = RequestReader()
    reader.keeps_bodies = True
    body = b"x" * 10_000
    assert only(reader, posted(body)).body == body


@given(st.binary(max_size=6000), st.lists(st.integers(0, 6100), max_size=8))
def test_it_does_not_matter_where_the_bytes_are_cut(body: bytes, cuts: list[int]) -> None:
    content = posted(body)
    edges = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    request = only(RequestReader(), *(content[a:b] for a, b in itertools.pairwise(edges)))
    assert request.head == body[:ENDS]
    assert request.tail == body[-ENDS:]
    assert request.body == (body if len(body) < ENDS else None)


def test_two_requests_on_one_connection_do_not_mix() -> None:
    reader = RequestReader()
    first = reader.receive(posted(b"one") + posted(b"two"))
    second = reader.receive(b"")
    assert first is not None
    assert second is not None
    assert (first.body, second.body, reader.is_between_requests) == (b"one", b"two", True)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        (b"GET /health\r\n\r\n", 400),
        (b"GET health HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nnonsense\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (LONGEST_BODY + 1), 413),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 5000, 431),
    ],
)
def test_what_cannot_be_served_is_refused_with_its_status(content: bytes, status: int) -> None:
    with pytest.raises(BadRequestError) as error:
        RequestReader().receive(content)
    assert error.value.status == status


@pytest.mark.parametrize("line", ["GET / HTTP/1.0\r\n", "GET / HTTP/1.1\r\nConnection: close\r\n"])
def test_a_client_that_wants_to_close_is_not_kept(line: str) -> None:
    assert not only(RequestReader(), f"{line}\r\n".encode()).keeps_alive


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail_in_another_way(content: bytes) -> None:
    with contextlib.suppress(BadRequestError):
        RequestReader().receive(content)
